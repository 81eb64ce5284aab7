"""A grammar of small adventures: something dear is lost, looked for, paid for and found.

Its stories ask of a language model what real ones do: grammar, names and pronouns that agree, and
facts (what was lost, where it lies, what the helper wants) that are told once and needed later.

Taught in: 16 20 21
"""

from kit.text.grammar import Grammar


def _girl(name: str) -> dict[str, str]:
    return {"name": name, "They": "She", "they": "she", "them": "her", "their": "her"}


def _boy(name: str) -> dict[str, str]:
    return {"name": name, "They": "He", "they": "he", "them": "him", "their": "his"}


def _thing(name: str, play: str, sound: str) -> dict[str, str]:
    return {"name": name, "play": play, "sound": sound}


def _helper(name: str, said: str, way: str) -> dict[str, str]:
    return {"name": name, "said": said, "way": way}


def _wish(ask: str, granted: str) -> dict[str, str]:
    return {"ask": ask, "granted": granted}


STORIES = Grammar(
    {
        # one sentence a rule, in the order of the telling
        "story": ("{opening} {treasure} {loss} {feeling} {search} {bargain} {finding} {ending}\n",),
        "opening": (
            "Once upon a time there was a {TRAIT} child named {HERO.name}, who lived {home}.",
            "Long ago, {home}, lived a {TRAIT} child called {HERO.name}.",
            "This is the story of a {TRAIT} child. {HERO.name} was the name, and {home} was the place.",
        ),
        "treasure": (
            "{HERO.They} had a {COLOUR} {THING.name} and loved to {THING.play} it {when}.",
            "Of all {HERO.their} toys, {HERO.they} liked a {COLOUR} {THING.name} best, for it {THING.sound}.",
            "Every {day} {HERO.they} would take a {COLOUR} {THING.name} and {THING.play} it {when}.",
        ),
        "loss": (
            "One {weather} morning the {THING.name} was gone.",
            "But then {accident}, and the {THING.name} was gone.",
            "Alas, {accident}, and nobody knew where.",
        ),
        "feeling": (
            "{HERO.name} {reaction}.",
            '"Oh no, my {COLOUR} {THING.name}!" cried {HERO.name}.',
            "What could a {TRAIT} child do?",
        ),
        "search": (
            "{HERO.They} looked {spot}, but found only {junk}. {search}",
            "At last {HERO.they} met a {manner} {HELPER.name}.",
            "Then {HERO.they} asked a {passer}, who {shrug}. {search}",
        ),
        "bargain": (
            '"Please, have you seen a {COLOUR} {THING.name}?" asked {HERO.name}. {answer} {price}',
            "The {HELPER.name} {HELPER.way}. {answer} {price}",
            "{HERO.name} told the whole story. {answer} {price}",
        ),
        "answer": (
            '"{yes}, it {fate} near the {PLACE}," {HELPER.said} the {HELPER.name}.',
            'The {HELPER.name} {HELPER.said}, "{yes}! It {fate} near the {PLACE}."',
        ),
        "price": (
            '"But first, {WISH.ask}." So {HERO.name} {WISH.granted}, and the {HELPER.name} {pleased}.',
            "All the {HELPER.name} wanted in return was this: {WISH.ask}. {HERO.They} gladly {WISH.granted}.",
        ),
        "finding": (
            "{HERO.They} ran to the {PLACE}, and there was the {COLOUR} {THING.name}, {luck}!",
            "Near the {PLACE}, {HERO.they} heard something. It {THING.sound}. It was the {THING.name}, {luck}!",
        ),
        "ending": (
            "From that day on, {HERO.name} and the {HELPER.name} were {bond}.",
            "And the {TRAIT} child went home to {THING.play} it {when}.",
            "That night {HERO.name} dreamed of {dream}.",
        ),
        # the cast, which stays the same through a story
        "HERO": (
            *(_girl("Mia"), _boy("Tom"), _girl("Lily"), _boy("Ben"), _girl("Anna"), _boy("Max"), _girl("Zoe")),
            *(_boy("Sam"), _girl("Rosa"), _boy("Omar"), _girl("Ines"), _boy("Kofi"), _girl("Yuki"), _boy("Ravi")),
        ),
        "TRAIT": ("brave", "curious", "clever", "quiet", "cheerful", "stubborn", "gentle", "dreamy", "tiny"),
        "COLOUR": ("red", "blue", "green", "yellow", "silver", "purple", "golden", "striped", "white"),
        "THING": (
            _thing("kite", "fly", "hummed in the wind"),
            _thing("ball", "bounce", "went boing"),
            _thing("drum", "beat", "boomed like thunder"),
            _thing("boat", "sail", "splashed and creaked"),
            _thing("whistle", "blow", "chirped like a bird"),
            _thing("lantern", "light", "flickered and hissed"),
            _thing("wagon", "pull", "squeaked at every turn"),
            _thing("bell", "ring", "went ding dong"),
            _thing("puppet", "dance with", "clacked its wooden feet"),
            _thing("top", "spin", "whirred round and round"),
        ),
        "HELPER": (
            _helper("owl", "hooted", "blinked one eye at a time"),
            _helper("fox", "whispered", "swished its tail"),
            _helper("frog", "croaked", "sat on a lily leaf and thought"),
            _helper("bear", "rumbled", "scratched its back on a tree"),
            _helper("mouse", "squeaked", "peeped out of a teacup"),
            _helper("crow", "cawed", "hopped three times"),
            _helper("snail", "murmured", "took a very long time to turn round"),
            _helper("dragon", "puffed", "breathed a small ring of smoke"),
            _helper("goat", "bleated", "chewed on an old hat"),
        ),
        "PLACE": (
            *("mill", "bridge", "lighthouse", "waterfall", "barn", "windmill", "castle", "harbour"),
            *("orchard", "market", "tower", "cave", "railway station", "pond"),
        ),
        "WISH": (
            _wish("sing me a song", "sang a song about the moon"),
            _wish("bring me some honey", "brought a whole pot of honey"),
            _wish("tell me a joke", "told a joke about two potatoes"),
            _wish("scratch my ear", "scratched both ears"),
            _wish("dance on one leg", "danced on one leg"),
            _wish("count my toes", "counted every toe twice"),
            _wish("answer a riddle", "answered the riddle at once"),
        ),
        # small words, chosen afresh each time
        "home": (
            *("by the sea", "in a little village", "near the woods", "on top of a hill", "under a huge oak tree"),
            *("beside a slow river", "behind the bakery", "between two mountains"),
        ),
        "when": (
            "all day long",
            "in the garden",
            "after lunch",
            "until the stars came out",
            "with friends",
            "on the roof",
        ),
        "day": ("day", "Sunday", "evening", "summer", "afternoon"),
        "weather": ("sunny", "rainy", "windy", "foggy", "cold", "snowy"),
        "accident": (
            "a strong wind {blew} it away",
            "it rolled {down}",
            "two {thief} carried it off",
            "somebody {careless} left the gate open",
        ),
        "blew": ("blew", "swept", "whirled", "tossed"),
        "down": ("down the hill", "into the tall grass", "through a hole in the fence", "out of sight"),
        "thief": ("magpies", "monkeys", "puppies", "squirrels", "geese"),
        "careless": ("in a hurry", "very sleepy", "with muddy boots"),
        "reaction": (
            *("cried a little", "was very sad", "did not give up", "sat down and thought", "took a deep breath"),
            *("felt like a {lonely} in the rain", "packed a {snack} and set out"),
        ),
        "lonely": ("kitten", "sock", "snowman", "letter"),
        "snack": ("sandwich", "pear", "cookie", "carrot", "cheese"),
        "spot": (
            "under the {furniture}",
            "behind the {building}",
            "inside the {vessel}",
            "up in the {tree}",
            "between the {heap}",
        ),
        "furniture": ("bed", "table", "stairs", "sofa", "carpet", "piano"),
        "building": ("house", "school", "shed", "bakery", "church", "stable"),
        "vessel": ("well", "teapot", "basket", "barrel", "chimney", "mailbox"),
        "tree": ("apple tree", "oak", "attic", "willow", "clouds"),
        "heap": ("books", "flower pots", "potatoes", "pillows", "stones"),
        "junk": (
            *("an old {rag}", "a {mood} {bug}", "dust", "three buttons", "some feathers", "half a biscuit"),
            *("last year's leaves", "nothing at all"),
        ),
        "rag": ("shoe", "newspaper", "hat", "umbrella", "map", "glove"),
        "mood": ("sleepy", "busy", "grumpy", "shy", "polite", "hungry"),
        "bug": ("spider", "beetle", "caterpillar", "moth", "ant", "bee"),
        "manner": ("wise old", "friendly", "sleepy", "very small", "grumpy", "rather round", "mysterious"),
        "passer": ("farmer", "baker", "sailor", "postman", "gardener", "king", "wizard", "robot"),
        "shrug": ("shook a {mood} head", "knew nothing", "only laughed", "pointed the wrong way", "was asleep"),
        "yes": ("Yes", "Of course", "Well", "Maybe", "Indeed", "Listen"),
        "fate": ("fell down", "is hidden", "landed", "was left behind", "rolled to a stop", "got stuck"),
        "pleased": ("smiled", "clapped", "was very pleased", "laughed until it hiccuped", "bowed"),
        "luck": ("safe and sound", "only a bit wet", "with a new friend beside it", "as good as new"),
        "bond": ("best friends", "never apart", "always ready for a {TRAIT} plan", "seen everywhere together"),
        "dream": ("the {PLACE}", "flying over the {PLACE}", "a thousand {COLOUR} stars", "soup", "tomorrow"),
    }
)
