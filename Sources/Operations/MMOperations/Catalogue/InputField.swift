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
    public enum Placement: Sendable, Hashable {
        /// At this place among the arguments without a flag, counted from 0.
        case positional(Int)
        /// Only as a flag, with this short letter if any.
        case option(Character?)
        /// Not offered on a command line.
        case absent
    }

    /// The name in JSON, `snake_case` or one word.
    public let name: String
    /// What values it takes.
    public let kind: Kind
    /// What it is for, in one line, with unit, default and example.
    public let summary: String
    /// Whether a call without it is refused.
    public let isRequired: Bool
    /// Where it stands on a command line.
    public let placement: Placement
    /// Whether a model sees it in the tool's schema.
    public let isOfferedToModels: Bool
    /// Whether `-` and `@file` stand for content on a command line.
    public let readsFiles: Bool
    /// Whether a command line may name a file for it: as the word itself when a file of that name exists, and with
    /// `--file` or `-f`.
    public let namesFile: Bool
    /// The argument that is told the name of the file which a command line named for it.
    package var nameOfFile: String?
    /// Whether a command line without it reads it from standard input: `nil` never, else unless one of these arguments
    /// stands in its place.
    public let readsInputUnless: [String]?
    /// Further flags of a command line that mean it.
    package var otherFlags: [String] = []
    /// Whether an empty text says something. A command line refuses it elsewhere: it comes of a variable that wasn't set, and
    /// would be taken for an argument that isn't there.
    package private(set) var mayBeEmpty = false

    /// The same argument, of which an empty text says something.
    package var orEmpty: InputField {
        var field = self
        field.mayBeEmpty = true
        return field
    }

    /// The same argument, where the name of the file that a command line named for it goes into another one.
    package func tellingNameOfFile(in name: String) -> InputField {
        var field = self
        field.nameOfFile = name
        return field
    }

    /// An argument.
    /// - Parameters:
    ///   - name: the name in JSON.
    ///   - kind: what values it takes.
    ///   - summary: what it is for.
    ///   - isRequired: whether a call without it is refused.
    ///   - placement: where it stands on a command line.
    ///   - isOfferedToModels: whether a model sees it.
    ///   - readsFiles: whether `-` and `@file` stand for content.
    ///   - namesFile: whether a command line may name a file for it.
    ///   - readsInputUnless: arguments without which a command line that lacks it reads it from standard input.
    public init(
        _ name: String, _ kind: Kind, _ summary: String, isRequired: Bool = false,
        at placement: Placement = .option(nil),
        isOfferedToModels: Bool = true, readsFiles: Bool = false, namesFile: Bool = false,
        readsInputUnless: [String]? = nil
    ) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.isRequired = isRequired
        self.placement = placement
        self.isOfferedToModels = isOfferedToModels
        self.readsFiles = readsFiles
        self.namesFile = namesFile
        self.readsInputUnless = readsInputUnless
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
