"use strict";
fetch("/page/models.json").then((reply) => reply.json()).then(({ models }) => {
  for (const model of models) {
    const item = document.createElement("li");
    item.textContent = `${model.name}, version ${model.version}`;
    document.getElementById("models").append(item);
  }
});
