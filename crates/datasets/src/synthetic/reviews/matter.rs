//! Sentences that say nothing about the film's worth, whatever words they use.
//!
//! `{list?}` is a word of praise or of blame, either as likely.

/// What the film is and what happens in it.
pub(super) const PLOT: &str = "[{title} is a {genre} by {director}\
     |in this {genre} {star} plays a {person?} {job} who [looks for|finds|inherits|steals] {object}\
     |it tells the story of a {person?} {job} and [his|her] {person?} {relation}\
     |a {person?} {job} comes to {somewhere} and falls in love with a {job}\
     |{star} plays a {job} who loses everything in a {event?} [war|winter|storm|trial]\
     |the story is set in {somewhere} after a {event?} [war|summer|accident|wedding|year]\
     |it follows a {event?} [journey|wedding|summer|holiday] from {town} to {town}\
     |the hero is a {job} with a {person?} {relation} and {object}\
     |a {person?} family moves to {somewhere}, where a {job} has hidden {object}\
     |a {job} meets a {person?} {relation} from {town}, and a {event?} secret comes out]";

/// How it was seen.
pub(super) const VIEWING: &str = "[I saw it on a [rainy|cold|warm|quiet] {weekday} with {companion}\
     |we watched it in {town} with {companion}|I saw {title} at a small cinema in {town}\
     |the popcorn was [excellent|awful|stale|good|dreadful|wonderful], by the way\
     |{companion} had a {event?} day and came along|the man next to me had a {event?} cough\
     |the cinema itself is a {place?} building|{companion} chose it because of {star}\
     |the audience was mostly [young|old] that night]";

/// What else is known about it.
pub(super) const FACTS: &str = "[it was shot in {town} and runs for [ninety minutes|two hours|more than two hours]\
     |{director} also made a {genre} about a {person?} {job}|I do not often go to the cinema\
     |before this {director} spent [a year|ten years|a {event?} year] in {town}\
     |{star} was [born in {town}|once a {job}|last seen in a {genre}]]";
