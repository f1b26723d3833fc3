package import MMCore

/// The declaration of one argument of an operation, from which the JSON Schema property, the flag or position on the
/// command line, and the line in help texts are derived.
public struct InputField: Sendable {
    /// The kind of values that an argument takes.
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
        /// A JSON object, or a list where the service takes one.
        case objectOrList
        /// A JSON object of parameters, or the same written as `name=value&name=value`.
        case parameters
        /// Values for the parameters of a script: a JSON object of any values, or `name=value&name=value`. A name alone
        /// is true, and a name that occurs several times has a list.
        case arguments
        /// Any number of texts.
        case textList
        /// Calls of other operations, each with its `tool` and its `arguments`; on a command line the words after `--`.
        case calls
    }

    /// The place of an argument on a command line. Every argument also has a flag of its own name.
    package enum Placement: Sendable, Hashable {
        /// At this position among the arguments without a flag, counted from 0.
        case positional(Int)
        /// Only as a flag, with this short letter, if any.
        case option(Character?)
        /// Not offered on a command line.
        case absent
    }

    /// A property of an argument besides its name, kind and summary. Without any traits, an argument is optional and a
    /// flag on the command line.
    public enum Trait: Sendable {
        /// A call without the argument is refused.
        case required
        /// On a command line, the argument is at this position among the arguments without a flag, counted from 0.
        case at(Int)
        /// On a command line that gives one of these other arguments, the argument has no position.
        case givesWay(to: [String])
        /// The flag has this short letter.
        case short(Character)
        /// The argument isn't offered on command lines.
        case notOnCommandLine
        /// The argument is left out of the tool's schema for models.
        case notForModels
        /// The argument is left out of the tool's schema, which every model reads, and taken from a model that guesses
        /// it.
        case untoldToModels
        /// On a command line, `-` and `@file` stand for the content of standard input and of a file.
        case readsFiles
        /// A command line may name a file with the argument's content: as the argument itself if a file of that name
        /// exists, or with `--file` or `-f`.
        case namesFile
        /// If a command line names a file for the argument, the file's name is put into this other argument.
        case tellsFile(in: String)
        /// If a command line doesn't give the argument, it is read from standard input, unless one of these other
        /// arguments is given.
        case readsInput(unless: [String])
        /// An empty text has a meaning. For other arguments a command line refuses an empty text, since it usually
        /// comes from an unset variable and would be taken for a missing argument.
        case mayBeEmpty
        /// On a command line, the flag may also be `--connections`.
        case orSeveral
        /// The completion of a command line offers these values.
        case completes(KnownValues)
    }

    /// Values that are known while a command line is written. Connections and modules are offered for every argument of
    /// that name, and the words of a choice for every choice.
    public enum KnownValues: Sendable, Hashable {
        /// The files and folders of this machine.
        case files
        /// The tags of connections.
        case tags
        /// The keys of a connection's entry.
        case entryKeys
        /// A script for the module of the call.
        case script
        /// The cmdlets of the module of the call.
        case cmdlets
        /// The paths of Microsoft Graph.
        case endpoints
        /// The services that a connection can sign in to.
        case services
        /// The background calls and commands.
        case jobs
        /// The shell sessions on this machine.
        case shells
        /// The shell sessions on hosts.
        case hostSessions
        /// The hosts that are reached by SSH.
        case hosts
        /// The operations.
        case operations
    }

    /// The name in JSON, `snake_case` or one word.
    public let name: String
    /// The kind of values that the argument takes.
    public let kind: Kind
    /// The purpose in one line, with unit, default and example.
    public let summary: String
    /// Whether a call without the argument is refused.
    package private(set) var isRequired = false
    /// The place on a command line.
    package private(set) var placement = Placement.option(nil)
    /// The other arguments with which it has no position on a command line.
    private var givesWayTo: [String] = []
    /// Whether the tool's schema for models contains the argument.
    package private(set) var isOfferedToModels = true
    /// Whether a model's call may contain the argument.
    package private(set) var isTakenFromModels = true
    /// Whether `-` and `@file` stand for the content of standard input and of a file on a command line.
    package private(set) var readsFiles = false
    /// Whether a command line may name a file with the argument's content.
    package private(set) var namesFile = false
    /// The other argument that gets the name of a file that a command line names for this one.
    package private(set) var nameOfFile: String?
    /// The arguments that replace this one. If a command line gives neither this one nor any of them, this one is read
    /// from standard input; `nil` if it never is.
    package private(set) var readsInputUnless: [String]?
    /// Further flags for the argument on a command line.
    package private(set) var otherFlags: [String] = []
    /// Whether an empty text has a meaning.
    package private(set) var mayBeEmpty = false
    /// The values that the completion of a command line offers; `nil` where it has to go by name and kind.
    package private(set) var known: KnownValues?

    /// Creates an argument.
    /// - Parameters:
    ///   - name: the name in JSON.
    ///   - kind: the kind of values that it takes.
    ///   - summary: the purpose in one line.
    ///   - traits: further properties.
    public init(_ name: String, _ kind: Kind, _ summary: String, _ traits: Trait...) {
        self.init(name, kind, summary, traits: traits)
    }

    /// Creates an argument with a list of traits.
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
        case .givesWay(let others): givesWayTo = others
        case .short(let letter): placement = .option(letter)
        case .notOnCommandLine: placement = .absent
        case .notForModels: (isOfferedToModels, isTakenFromModels) = (false, false)
        case .untoldToModels: isOfferedToModels = false
        case .readsFiles: readsFiles = true
        case .namesFile: namesFile = true
        case .tellsFile(let argument): nameOfFile = argument
        case .readsInput(let others): readsInputUnless = others
        case .mayBeEmpty: mayBeEmpty = true
        case .orSeveral: otherFlags.append("--connections")
        case .completes(let values): known = values
        }
    }

    /// Returns the same argument with another trait.
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

    /// Returns whether a word without a flag may mean this argument.
    /// - Parameter isGiven: whether the command line gives the argument of a name.
    package func mayStandAlone(_ isGiven: (String) -> Bool) -> Bool {
        if case .positional = placement { !isGiven(name) && !givesWayTo.contains(where: isGiven) } else { false }
    }

    /// Returns whether a flag on a command line means this argument.
    package func isNamed(by flag: String) -> Bool {
        if case .option(let letter?) = placement, flag == "-\(letter)" { return true }
        return flag == "--\(flagName)" || flag == "--\(name)" || otherFlags.contains(flag)
            || name == "dryRun" && Self.dryRuns.contains(flag.lowercased())
    }

    /// Flags that other programs use for a dry run.
    private static let dryRuns: Set<String> = ["--what-if", "--whatif", "-whatif"]

    /// The JSON Schema (2020-12) of the values, as a model sees it.
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
        // Some models' services refuse all tools if one has a list of types.
        case .object, .objectOrList, .parameters, .arguments: schema = Self.openObject
        case .textList: schema = ["type": "array", "items": ["type": "string"]]
        case .calls: schema = ["type": "array", "items": .object(Self.openObject)]
        }
        schema["description"] = .string(summary)
        return schema
    }

    /// The JSON Schema of all values that are taken, also of those that a model isn't told of.
    package var wholeSchema: JSONObject {
        var schema = schema
        if kind == .objectOrList { schema["type"] = ["object", "array"] }
        return schema
    }

    /// The JSON Schema of an object with any members. It says so, although that is the default: some clients close an
    /// object that doesn't, for the services of models that demand it, and the model could only send an empty one.
    private static let openObject: JSONObject = ["type": "object", "additionalProperties": true]

    /// Returns the JSON Schema of a call with these arguments, as a model sees it.
    package static func schema(of fields: [InputField]) -> JSONObject {
        schema(of: fields.filter(\.isOfferedToModels), each: \.schema)
    }

    /// Returns the JSON Schema by which such a call is checked.
    package static func wholeSchema(of fields: [InputField]) -> JSONObject {
        schema(of: fields.filter(\.isTakenFromModels), each: \.wholeSchema)
    }

    private static func schema(of fields: [InputField], each described: (InputField) -> JSONObject) -> JSONObject {
        var properties = JSONObject()
        for field in fields { properties[field.name] = .object(described(field)) }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        schema["additionalProperties"] = false
        return schema
    }
}
