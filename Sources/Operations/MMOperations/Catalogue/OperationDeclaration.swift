package import MMCore

/// The names, the texts and the effects of an operation.
public struct OperationDeclaration: Sendable {
    /// The name, as used everywhere except on the command line: `graph_request`.
    public let name: String
    /// Other names that are understood but never listed.
    public let aliases: [String]
    /// The words on the command line: `["connections", "list"]`.
    public let command: [String]
    /// A short name for people.
    public let title: String
    /// The purpose in one line.
    public let summary: String
    /// The description for models: what the operation does, when to use it, and what it returns.
    public let description: String
    /// The effects of a call.
    public internal(set) var effects: Effects
    /// The group of tools that it belongs to.
    public let toolset: Toolset
    /// The callers that may use it.
    public let audience: Audience
    /// The process that carries it out if front-ends share a pool.
    public internal(set) var home: Home
    /// Whether a model's list of tools contains it. Rarely used operations are left out, since a model reads the whole
    /// list on each turn, but can still be called by name.
    package var isListed = true
    /// Whether a read-only server offers it although it can write. The guard judges each call and denies all but reads
    /// there.
    package var servesReaders = false
    /// Whether its answers contain output of a PowerShell or shell session, from which tokens and keys are removed.
    package var carriesSessionOutput = false
    /// Whether exit code 2 is a result of the operation. Invalid arguments then end with 1.
    package var answersWithTwo = false
    /// Whether it gives the caller's own streams and terminal to a program.
    package var startsProgram = false
    /// Whether it runs a recipe or a tool of the owner that the call names. Models call these by one tool in common.
    package private(set) var runsTools = false
    /// Whether a person answers waiting requests with it.
    package private(set) var answersRequests = false
    /// Whether its changes can be planned: it hands its writes to `CallContext.planning` if that is set.
    package var isPlannable = false
    /// The special handling of a call at a terminal; `nil` if there is none.
    package private(set) var atTerminal: AtTerminal?
    /// Whether a call with these arguments gets what a person types at their terminal; `nil` if none does.
    package private(set) var takesKeys: (@Sendable (JSONObject) -> Bool)?
    /// The calls that can be carried out here while the configured remote pool can't be reached.
    package private(set) var withoutPool = WithoutPool.nothing
    /// The pools that have the data of the answer, where several pools act as one.
    package private(set) var keeper = Keeper.any
    /// The member of its answer that holds the rows of a list, which programs may ask for alone; `nil` if the answer
    /// itself is the list.
    package var listMember: String?
    /// The text for people of its list's rows, for whoever joins several lists, too; `nil` for a table.
    package private(set) var textOfRows: (@Sendable ([JSONValue]) -> String)?
    /// How it runs for several connections in one call; `nil` if it supports only one.
    package var severalConnections: SeveralConnections?
    /// Examples of working command lines.
    public let examples: [Example]

    /// An operation's effects, with the meanings of the tool annotations in the Model Context Protocol.
    public struct Effects: Sendable, Hashable {
        /// Whether it changes nothing.
        public var readOnly: Bool
        /// Whether it may delete or overwrite.
        public var destructive: Bool
        /// Whether a second call with the same arguments changes nothing more.
        public var idempotent: Bool
        /// Whether it reaches beyond this machine.
        public var openWorld: Bool

        /// Creates effects.
        /// - Parameters:
        ///   - readOnly: whether it changes nothing.
        ///   - destructive: whether it may delete or overwrite.
        ///   - idempotent: whether a second call changes nothing more.
        ///   - openWorld: whether it reaches beyond this machine.
        public init(readOnly: Bool, destructive: Bool = false, idempotent: Bool = false, openWorld: Bool = false) {
            self.readOnly = readOnly
            self.destructive = destructive
            self.idempotent = idempotent
            self.openWorld = openWorld
        }

        /// The effects for a caller that may only read.
        package var reading: Effects { Effects(readOnly: true, openWorld: openWorld) }
    }

    /// A group of tools that a server offers or leaves out together.
    public enum Toolset: String, Sendable, CaseIterable {
        /// Microsoft 365: sessions, requests, sign-in.
        case m365
        /// Shells of this machine.
        case shell
        /// Hosts by SSH.
        case ssh
    }

    /// Whether a call may take long enough to become a job. A call that only reads this machine's own files doesn't.
    package var mayLast: Bool { effects.openWorld || !effects.readOnly }

    /// The time limit of a call from the command line that sets none; `nil` for a call that lasts as long as the
    /// program or the terminal that it opens.
    package var usualTimeLimit: Duration? {
        if case .opens? = atTerminal { return nil }
        return startsProgram ? nil : Self.usualTimeLimit
    }

    /// The time limit of most operations' calls.
    package static let usualTimeLimit = Duration.seconds(300)

    /// The command that a person types.
    package var commandLine: String { "mm " + command.joined(separator: " ") }

    /// Whether a call may be followed as a task, because it runs in a process that outlives its caller.
    package var mayBeTask: Bool {
        switch home {
        case .pool, .detachable: mayLast && toolset == .m365
        case .anywhere, .besideSessions: false
        }
    }

    /// The callers that may use an operation.
    public enum Audience: Sendable {
        /// People and models.
        case everyone
        /// Only a person at a terminal, because the operation writes the registry, confirms, or shows data that models
        /// don't need.
        case person
    }

    /// The process that carries out an operation if front-ends share a pool that outlives them.
    public enum Home: Sendable {
        /// The calling process, because nothing has to outlive the call.
        case anywhere
        /// The calling process, or the pool if the call may become a background job.
        case detachable
        /// The pool if one runs, otherwise the calling process. The operation looks at live sessions, and without a
        /// pool there are none.
        case besideSessions
        /// The pool, which is started if necessary, because what the operation creates outlives the call.
        case pool
    }

    /// The special handling of a call at a terminal.
    package enum AtTerminal: Sendable {
        /// The operation gets the terminal.
        case opens
        /// Without this argument the call means another operation, which opens the terminal.
        case opensWithout(argument: String, operation: String)
        /// Without this argument a prompt asks for it, line by line, until the person leaves.
        case prompts(argument: String)
    }

    /// The calls that can be carried out here while the configured remote pool can't be reached. Changes are left to
    /// that pool, since it may hold a lease or have other rules.
    package enum WithoutPool: Sendable {
        /// No calls.
        case nothing
        /// Calls without arguments, which list the connections.
        case lists
        /// Calls that only read.
        case reads
    }

    /// The pools that have the data of an answer, where several pools act as one.
    package enum Keeper: Sendable, Hashable {
        /// Every pool has all of it.
        case any
        /// The owner's own files: the registry and the guard's rules, whichever connection the call names.
        case owner
        /// Each pool has its own rows.
        case each
        /// Each pool has its own rows, and a connection without a session has a row as well.
        case eachConnection
        /// The pool that made the handle in the call.
        case handle
        /// The pool that asks for the confirmation named in the call.
        case confirmation
        /// Each pool has records of its own, which are listed newest first: as many as the argument `last` says,
        /// otherwise this number; `nil` for an operation that lists all of them, one pool's after the other's.
        case records(usual: Int?)
        /// Each pool has an audit log, and the owner has one with lines about every connection. Their lines are listed
        /// newest last, as many as the argument `last` says, otherwise this number.
        case log(usual: Int)
        /// Each pool has an audit log, and the owner has one; all of them are checked.
        case everyLog
        /// The pool that has the record named in the call.
        case record
        /// The pool that has the change named in this argument; without it, each pool with changes that the call is
        /// about.
        case changes(argument: String)
        /// The pool of the connection whose snapshots these arguments name.
        case snapshots(arguments: [String])

        /// Whether the nodes of a cluster tell each other what the answer is made of.
        package var isSharedByNodes: Bool {
            switch self {
            case .records(usual: .some), .log, .record, .changes: true
            case .records, .any, .owner, .each, .eachConnection, .handle, .confirmation, .everyLog, .snapshots: false
            }
        }

        /// Whether the owner's files have a part of the answer, also of a call that names a connection.
        package var includesOwner: Bool {
            switch self {
            case .owner, .log, .everyLog: true
            case .any, .each, .eachConnection, .handle, .confirmation, .records, .record, .changes, .snapshots: false
            }
        }
    }

    /// A command line and what it does.
    public struct Example: Sendable {
        /// The command line.
        public let command: String
        /// The purpose.
        public let purpose: String

        /// Creates an example.
        /// - Parameters:
        ///   - command: the command line.
        ///   - purpose: the purpose.
        public init(_ command: String, _ purpose: String) {
            self.command = command
            self.purpose = purpose
        }
    }

    private func with(_ change: (inout OperationDeclaration) -> Void) -> OperationDeclaration {
        var copy = self
        change(&copy)
        return copy
    }

    /// The same declaration, offered also by read-only servers.
    var forReaders: OperationDeclaration { with { $0.servesReaders = true } }

    /// The same declaration, with exit code 2 as a result.
    var answeringWithTwo: OperationDeclaration { with { $0.answersWithTwo = true } }

    /// The same declaration, whose answers contain output of a session.
    var withSessionOutput: OperationDeclaration { with { $0.carriesSessionOutput = true } }

    /// The same declaration, of an operation that gives the caller's streams and terminal to a program.
    var startingProgram: OperationDeclaration { with { $0.startsProgram = true } }

    /// The same declaration, of an operation that runs recipes or the owner's tools.
    var runningTools: OperationDeclaration { with { $0.runsTools = true } }

    /// The same declaration, of an operation with which a person answers waiting requests.
    var answeringRequests: OperationDeclaration { with { $0.answersRequests = true } }

    /// The same declaration, of an operation whose changes can be planned.
    var plannable: OperationDeclaration { with { $0.isPlannable = true } }

    /// Returns the same declaration with special handling at a terminal.
    func taking(_ terminal: AtTerminal) -> OperationDeclaration { with { $0.atTerminal = terminal } }

    /// Returns the same declaration of an operation some of whose calls get what a person types.
    func takingKeys(when takes: @escaping @Sendable (JSONObject) -> Bool) -> OperationDeclaration {
        with { $0.takesKeys = takes }
    }

    /// Returns the same declaration with calls that are possible without the pool.
    func answering(withoutPool possible: WithoutPool) -> OperationDeclaration { with { $0.withoutPool = possible } }

    /// Returns the same declaration with the pools that have its data.
    func kept(by keeper: Keeper) -> OperationDeclaration { with { $0.keeper = keeper } }

    /// Returns the same declaration of an operation whose list isn't shown as a table.
    /// - Parameter text: returns the text of the rows.
    func telling(_ text: @escaping @Sendable ([JSONValue]) -> String) -> OperationDeclaration {
        with { $0.textOfRows = text }
    }

    /// Returns the same declaration of an operation whose answer is a list within an object.
    /// - Parameter member: the member that holds the rows.
    func listing(_ member: String) -> OperationDeclaration { with { $0.listMember = member } }

    /// The same declaration, left out of a model's list of tools.
    var unlisted: OperationDeclaration { with { $0.isListed = false } }

    /// Creates a declaration.
    /// - Parameters:
    ///   - name: the name, as used everywhere except on the command line.
    ///   - aliases: other names that are understood.
    ///   - command: the words on the command line.
    ///   - title: a short name for people.
    ///   - summary: the purpose in one line.
    ///   - description: the description for models; the summary if absent.
    ///   - effects: the effects of a call.
    ///   - toolset: the group of tools that it belongs to.
    ///   - audience: the callers that may use it.
    ///   - home: the process that carries it out if front-ends share a pool.
    ///   - examples: examples of working command lines.
    public init(
        _ name: String, aliases: [String] = [], command: [String], title: String, summary: String,
        description: String? = nil, effects: Effects, toolset: Toolset = .m365, audience: Audience = .everyone,
        home: Home = .anywhere, examples: [Example] = []
    ) {
        self.name = name
        self.aliases = aliases
        self.command = command
        self.title = title
        self.summary = summary
        self.description = description ?? summary
        self.effects = effects
        self.toolset = toolset
        self.audience = audience
        self.home = home
        self.examples = examples
    }
}
