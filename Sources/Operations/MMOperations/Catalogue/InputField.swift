package import MMCore

/// One argument of an operation, declared once: the JSON Schema property, the command line's flag or position, and
/// the line in every help text are read from here.
public struct InputField: Sendable {
    /// What values an argument takes.
    public enum Kind: Sendable, Hashable {
        /// Any text.
        case text
        /// Yes or no.
        case flag
        /// A whole number within bounds.
        case integer(ClosedRange<Int>)
        /// One of these words.
        case choice([String])
        /// A JSON object.
        case object
        /// A JSON object of parameters, or the same written as `name=value&name=value`.
        case parameters
        /// Values for the parameters of a script: a JSON object of any values, or `name=value`; a name alone is true, and one
        /// that stands several times has a list.
        case arguments
        /// Any number of texts.
        case textList
        /// Calls of other operations, each with its `tool` and its `arguments`; on a command line what stands behind `--`.
        case calls
    }

    /// Where an argument stands on a command line. Every argument also has a flag of its own name.
    package enum Placement: Sendable, Hashable {
        /// At this place among the arguments without a flag, counted from 0.
        case positional(Int)
        /// Only as a flag, with this short letter if any.
        case option(Character?)
        /// Not offered on a command line.
        case absent
    }

    /// What an argument is besides its name, kind and summary. Without any of these it may be left out, and is a flag of the
    /// command line.
    public enum Trait: Sendable {
        /// A call without it is refused.
        case required
        /// On a command line it stands at this place among the arguments without a flag, counted from 0.
        case at(Int)
        /// Its flag has this short letter.
        case short(Character)
        /// A command line can't give it.
        case notOnCommandLine
        /// No model sees it in the tool's schema.
        case notForModels
        /// On a command line `-` and `@file` stand for content.
        case readsFiles
        /// A command line may name a file for it: as the word itself when a file of that name exists, and with `--file`
        /// or `-f`.
        case namesFile
        /// The name of a file that a command line named for it goes into this argument.
        case tellsFile(in: String)
        /// A command line without it reads it from standard input, unless one of these arguments stands in its place.
        case readsInput(unless: [String])
        /// An empty text says something. A command line refuses it elsewhere: it comes of a variable that wasn't set, and
        /// would be taken for an argument that isn't there.
        case mayBeEmpty
        /// A command line may also call it `--connections`.
        case orSeveral
    }

    /// The name in JSON, `snake_case` or one word.
    public let name: String
    /// What values it takes.
    public let kind: Kind
    /// What it is for, in one line, with unit, default and example.
    public let summary: String
    /// Whether a call without it is refused.
    package private(set) var isRequired = false
    /// Where it stands on a command line.
    package private(set) var placement = Placement.option(nil)
    /// Whether a model sees it in the tool's schema.
    package private(set) var isOfferedToModels = true
    /// Whether `-` and `@file` stand for content on a command line.
    package private(set) var readsFiles = false
    /// Whether a command line may name a file for it.
    package private(set) var namesFile = false
    /// The argument that is told the name of the file which a command line named for it.
    package private(set) var nameOfFile: String?
    /// Whether a command line without it reads it from standard input: `nil` never, else unless one of these arguments
    /// stands in its place.
    package private(set) var readsInputUnless: [String]?
    /// Further flags of a command line that mean it.
    package private(set) var otherFlags: [String] = []
    /// Whether an empty text says something.
    package private(set) var mayBeEmpty = false

    /// An argument.
    /// - Parameters:
    ///   - name: the name in JSON.
    ///   - kind: what values it takes.
    ///   - summary: what it is for.
    ///   - traits: what else it is.
    public init(_ name: String, _ kind: Kind, _ summary: String, _ traits: Trait...) {
        self.init(name, kind, summary, traits: traits)
    }

    /// An argument with these traits.
    init(_ name: String, _ kind: Kind, _ summary: String, traits: [Trait]) {
        self.name = name
        self.kind = kind
        self.summary = summary
        for trait in traits { take(trait) }
    }

    private mutating func take(_ trait: Trait) {
        switch trait {
        case .required: isRequired = true
        case .at(let place): placement = .positional(place)
        case .short(let letter): placement = .option(letter)
        case .notOnCommandLine: placement = .absent
        case .notForModels: isOfferedToModels = false
        case .readsFiles: readsFiles = true
        case .namesFile: namesFile = true
        case .tellsFile(let argument): nameOfFile = argument
        case .readsInput(let others): readsInputUnless = others
        case .mayBeEmpty: mayBeEmpty = true
        case .orSeveral: otherFlags.append("--connections")
        }
    }

    /// The same argument with another trait.
    func with(_ trait: Trait) -> InputField {
        var field = self
        field.take(trait)
        return field
    }

    /// The flag on a command line: `expected_email` and `expectedEmail` are both `--expected-email`.
    package var flagName: String {
        var flag = ""
        for character in name {
            if character == "_" {
                flag.append("-")
            } else if character.isUppercase {
                flag += "-" + character.lowercased()
            } else {
                flag.append(character)
            }
        }
        return flag
    }

    /// Whether a flag of a command line means it.
    package func isNamed(by flag: String) -> Bool {
        flag == "--\(flagName)" || flag == "--\(name)" || otherFlags.contains(flag)
            || name == "dryRun" && Self.dryRuns.contains(flag.lowercased())
    }

    /// What other programs call a dry run.
    private static let dryRuns: Set<String> = ["--what-if", "--whatif", "-whatif"]

    /// The JSON Schema (2020-12) of the values.
    package var schema: JSONObject {
        var schema: JSONObject
        switch kind {
        case .text: schema = ["type": "string"]
        case .flag: schema = ["type": "boolean"]
        case .integer(let range):
            schema = [
                "type": "integer", "minimum": .int(Int64(range.lowerBound)), "maximum": .int(Int64(range.upperBound)),
            ]
        case .choice(let words): schema = ["type": "string", "enum": .array(words.map { .string($0) })]
        case .object: schema = ["type": "object"]
        case .parameters, .arguments: schema = ["type": ["object", "string"]]
        case .textList: schema = ["type": "array", "items": ["type": "string"]]
        case .calls: schema = ["type": "array", "items": ["type": "object"]]
        }
        schema["description"] = .string(summary)
        return schema
    }
}
