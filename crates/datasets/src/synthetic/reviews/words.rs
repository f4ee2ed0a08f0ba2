//! The vocabulary: words of praise and of blame, and names.

/// Templates for the same place in a sentence: one that praises, one that blames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
}

/// Something about a film that can be judged, with the words to judge it by.
#[derive(Debug)]
pub(super) struct Aspect {
    pub(super) name: &'static str,
    pub(super) plural: bool,
    pub(super) words: Pair,
}

pub(super) const ASPECTS: [Aspect; 12] = [
    Aspect {
        name: "[the acting|the lead performance|{star}|the work of the cast|the supporting cast]",
        plural: false,
        words: Pair {
            good: "[superb|convincing|brilliant|moving|natural|wonderful|magnetic|subtle|excellent|terrific]",
            bad: "[wooden|stiff|unconvincing|lifeless|clumsy|awful|flat|dreadful|tiresome|terrible]",
        },
    },
    Aspect {
        name: "the [performances|actors|leading players|young actors]",
        plural: true,
        words: Pair {
            good: "[superb|convincing|brilliant|moving|natural|wonderful|excellent|terrific|charming|good]",
            bad: "[wooden|stiff|unconvincing|lifeless|clumsy|awful|dreadful|tiresome|bad|terrible]",
        },
    },
    Aspect {
        name: "the [story|plot|script|screenplay|central idea]",
        plural: false,
        words: Pair {
            good: "[clever|gripping|inventive|original|thoughtful|rich|fresh|compelling|brilliant|intelligent]",
            bad: "[predictable|confusing|thin|silly|muddled|stale|contrived|absurd|boring|tedious]",
        },
    },
    Aspect {
        name: "the [pace|pacing|first half|second half|middle section]",
        plural: false,
        words: Pair {
            good: "[brisk|lively|assured|gripping|exciting|thrilling|relaxed and charming|confident]",
            bad: "[slow|sluggish|tedious|uneven|dull|exhausting|tiresome|rushed]",
        },
    },
    Aspect {
        name: "the [music|score|soundtrack|theme song]",
        plural: false,
        words: Pair {
            good: "[haunting|gorgeous|memorable|stirring|beautiful|lovely|delightful|superb]",
            bad: "[intrusive|syrupy|forgettable|grating|ugly|dreary|annoying|awful]",
        },
    },
    Aspect {
        name: "the [photography|camera work|lighting|look of the film|design]",
        plural: false,
        words: Pair {
            good: "[stunning|beautiful|striking|gorgeous|elegant|superb|inventive|splendid]",
            bad: "[drab|murky|ugly|shaky|flat|careless|dreary|cheap]",
        },
    },
    Aspect {
        name: "the [effects|costumes|sets|action scenes]",
        plural: true,
        words: Pair {
            good: "[stunning|striking|splendid|inventive|gorgeous|impressive|memorable|superb]",
            bad: "[drab|cheap|ugly|laughable|shoddy|careless|forgettable|awful]",
        },
    },
    Aspect {
        name: "the [dialogue|writing|narration]",
        plural: false,
        words: Pair {
            good: "[sharp|witty|crisp|clever|natural|lively|intelligent|fresh]",
            bad: "[clumsy|stilted|trite|silly|pompous|wooden|stale|embarrassing]",
        },
    },
    Aspect {
        name: "the [jokes|comic scenes|funny lines|gags]",
        plural: true,
        words: Pair {
            good: "[hilarious|witty|fresh|clever|inventive|sharp|wonderful|delightful]",
            bad: "[lame|tired|stale|embarrassing|painful|silly|tasteless|forced]",
        },
    },
    Aspect {
        name: "the [ending|finale|last act|final scene|conclusion]",
        plural: false,
        words: Pair {
            good: "[satisfying|powerful|touching|moving|unforgettable|perfect|beautiful|thrilling]",
            bad: "[abrupt|absurd|disappointing|predictable|ridiculous|contrived|weak|tedious]",
        },
    },
    Aspect {
        name: "[the direction|the editing|the work of {director}|the way {director} tells it]",
        plural: false,
        words: Pair {
            good: "[confident|elegant|masterful|inventive|assured|sensitive|impressive|subtle]",
            bad: "[heavy-handed|careless|clumsy|lazy|muddled|pompous|uneven|amateurish]",
        },
    },
    Aspect {
        name: "the [characters|heroes|people in it|villains]",
        plural: true,
        words: Pair {
            good: "[believable|likeable|charming|memorable|rich|compelling|interesting|well drawn]",
            bad: "[shallow|irritating|lifeless|forgettable|unconvincing|silly|boring|annoying]",
        },
    },
];

/// Words of praise and blame by the name of their slot.
pub(super) fn pair(name: &str) -> Option<Pair> {
    Some(match name {
        // What a whole film is.
        "film" => Pair {
            good: "[good|great|wonderful|delightful|excellent|charming|enjoyable|memorable|brilliant|beautiful|gripping|moving|clever|thrilling|fine]",
            bad: "[bad|dull|boring|awful|dreadful|tedious|terrible|forgettable|disappointing|silly|poor|miserable|weak|tiresome|dreary]",
        },
        "thing" => Pair {
            good: "[masterpiece|triumph|delight|joy|gem|treat|pleasure|success|classic|little miracle]",
            bad: "[mess|disaster|bore|failure|waste of time|chore|disgrace|flop|dud|disappointment]",
        },
        "quality" => Pair {
            good: "[charm|wit|tension|heart|imagination|warmth|energy|suspense|depth|humour|life|magic]",
            bad: "[padding|nonsense|noise|sentimentality|clutter|vanity|tedium|bad taste|self-pity|confusion]",
        },
        // What it did to the viewer, and to "do" that.
        "did" => Pair {
            good: "[held my attention|moved me to tears|made me laugh|won me over|gripped me|left me smiling|charmed me|lifted my spirits|surprised me|thrilled me]",
            bad: "[put me to sleep|left me cold|bored me|made me check my watch|gave me a headache|tried my patience|annoyed me|wore me out|insulted my intelligence|irritated me]",
        },
        "do" => Pair {
            good: "[hold my attention|move me to tears|make me laugh|win me over|grip me|leave me smiling|charm me|lift my spirits|surprise me|thrill me]",
            bad: "[put me to sleep|leave me cold|bore me|make me check my watch|give me a headache|try my patience|annoy me|wear me out|insult my intelligence|irritate me]",
        },
        "better" => Pair { good: "better", bad: "worse" },
        "hedge" => Pair { good: "[fairly|rather|quite|pretty]", bad: "[a little|somewhat|slightly|a bit]" },
        // Sentiment that is not about the film.
        "person" => Pair {
            good: "[brilliant|charming|clever|lovely|likeable|beautiful|witty|excellent|confident|delightful]",
            bad: "[boring|clumsy|awful|lazy|dreadful|irritating|miserable|silly|pompous|terrible]",
        },
        "place" => Pair {
            good: "[beautiful|charming|gorgeous|lovely|splendid|delightful|wonderful]",
            bad: "[drab|dreary|ugly|murky|dull|miserable|boring]",
        },
        "event" => Pair {
            good: "[wonderful|great|brilliant|memorable|thrilling|happy|perfect]",
            bad: "[terrible|dreadful|awful|bad|miserable|painful|disappointing]",
        },
        _ => return None,
    })
}

/// Names and things that say nothing of the film's worth.
pub(super) fn neutral(name: &str) -> Option<&'static str> {
    Some(match name {
        "movie" => "[film|film|movie|picture]",
        "genre" => {
            "[comedy|drama|thriller|western|romance|musical|mystery|war film|spy film|family film|horror film]"
        }
        "first" => {
            "[Anna|Clara|David|Elena|Frank|Grace|Hugo|Irene|Jonas|Karen|Laura|Martin|Nora|Oscar|Paula|Robert|Simon|Teresa|Victor|Walter]"
        }
        "last" => {
            "[Adler|Bennett|Castle|Dorsey|Ellery|Fontaine|Garland|Harrow|Ibsen|Keller|Larkin|Moreau|Novak|Okafor|Palmer|Quist|Rowan|Sandoval|Tanaka|Vance|Winter]"
        }
        "job" => {
            "[detective|teacher|baker|soldier|violinist|doctor|farmer|sailor|lawyer|clerk|painter|pilot|spy|reporter|locksmith|boxer|nurse|thief|king|inventor]"
        }
        "relation" => "[uncle|sister|neighbour|rival|father|daughter|twin|boss|cousin|friend]",
        "town" => "[Lisbon|Boston|Prague|Chicago|Venice|Dublin|Cairo|Vienna|Naples|Oslo|Havana|Toronto]",
        "somewhere" => {
            "[a {place?} village|a {place?} town by the sea|a {place?} hotel|a {place?} suburb|{town}|a {place?} valley]"
        }
        "weekday" => "[Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday]",
        "companion" => {
            "[my sister|my brother|two friends|my parents|an old friend|my neighbour|my wife|my husband|my class]"
        }
        "object" => {
            "[a stolen painting|a lost letter|a buried treasure|a missing child|a secret map|an old piano|a silver watch|a forged will]"
        }
        "other" => {
            "[the book|the original|the first film|the stage version|the last film of {director}|the television series]"
        }
        _ => return None,
    })
}

/// Templates of titles.
pub(super) const TITLES: &str = "[The [Glass|Silent|Paper|Midnight|Golden|Hidden|Last|Second|Broken|Wonderful|Terrible|Lonely|Crooked|Brilliant] \
     [Harbour|Garden|Orchard|Letter|Station|Summer|Bridge|Promise|Mirror|River|Stranger|Winter|House|Train]\
     |[Letters|A Song|Dinner|Flowers|A Train|Waiting] for {first}\
     |[Return|Escape|Good Night|Farewell] to {town}\
     |{first} and the [Lighthouse|Thieves|Sea|Tiger|Clockmaker|Moon]\
     |[Seven|Nine|Forty|Twelve] [Winters|Doors|Brothers|Days in {town}|Miles to {town}]]";
