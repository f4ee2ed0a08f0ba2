-- One request again and again: wrk ... -s post.lua URL -- BODY [HEADER VALUE]...
-- Prints, at the end, a line of JSON with times in microseconds.

function init(args)
   local file = assert(io.open(args[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
   for at = 2, #args - 1, 2 do
      wrk.headers[args[at]] = args[at + 1]
   end
   -- The text of the request is made once, not for each one sent.
   local text = wrk.format()
   request = function() return text end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "max_us": %d, "refused": %d, "failed": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
