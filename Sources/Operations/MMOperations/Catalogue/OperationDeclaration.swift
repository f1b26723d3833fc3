import MMCore

/// What an operation is called, what it says of itself, and what it does to the world.
public struct OperationDeclaration: Sendable {
    /// The name everywhere but on the command line: `graph_request`.
    public let name: String
    /// Other names that are understood, never listed.
    public let aliases: [String]
    /// The words on the command line: `["connections", "list"]`.
    public let command: [String]
    /// A short name for people.
    public let title: String
    /// What it does, in one line.
    public let summary: String
    /// What a model needs to use it right the first time: what, when, what comes back.
    public let description: String
    /// What it does to the world.
    public internal(set) var effects: Effects
    /// Which group of tools it belongs to.
    public let toolset: Toolset
    /// Who may call it.
    public let audience: Audience
    /// Where it is carried out when front-ends share a pool.
    public internal(set) var home: Home
    /// Whether a model's list of tools shows it; what is rarely needed is called by its name alone, since a model reads
    /// every word of the list on each turn.
    package var isListed = true
    /// Whether a server that only reads offers it although it can do more: the guard judges each call and denies that one
    /// what doesn't read.
    package var servesReaders = false
    /// Whether its answers hold what a PowerShell or a shell wrote: no token and no key leaves with them.
    package var carriesSessionOutput = false
    /// Whether exit code 2 is an answer of its own: then wrong arguments end with 1.
    package var answersWithTwo = false
    /// Whether it gives the caller's own streams and terminal to a program, which runs as long as it likes.
    package var startsProgram = false
    /// Whether what it would change can be planned: it hands its writes to `CallContext.planning` where that is set.
    package var isPlannable = false
    /// What becomes of a call that a person makes at a terminal; `nil`: it is answered as everywhere.
    package private(set) var atTerminal: AtTerminal?
    /// What of it can be done here while the pool elsewhere that was named can't be reached.
    package private(set) var withoutPool = WithoutPool.nothing
    /// Who has what it tells of, where several pools are one.
    package private(set) var keeper = Keeper.any
    /// The member of its answer that holds the rows of a list, for which programs may ask alone; `nil` where the answer is the list.
    package var listMember: String?
    /// How it runs for several connections in one call; `nil` where it is for one.
    package var severalConnections: SeveralConnections?
    /// Command lines that work, with what they do.
    public let examples: [Example]

    /// An operation's effects, as the annotations of the Model Context Protocol name them.
    public struct Effects: Sendable, Hashable {
        /// Changes nothing.
        public var readOnly: Bool
        /// May delete or overwrite.
        public var destructive: Bool
        /// A second call with the same arguments changes nothing more.
        public var idempotent: Bool
        /// Reaches beyond this machine.
        public var openWorld: Bool

        /// Effects.
        /// - Parameters:
        ///   - readOnly: changes nothing.
        ///   - destructive: may delete or overwrite.
        ///   - idempotent: a second call changes nothing more.
        ///   - openWorld: reaches beyond this machine.
        public init(readOnly: Bool, destructive: Bool = false, idempotent: Bool = false, openWorld: Bool = false) {
            self.readOnly = readOnly
            self.destructive = destructive
            self.idempotent = idempotent
            self.openWorld = openWorld
        }

        /// What is left of them for a caller who may only read.
        package var reading: Effects { Effects(readOnly: true, openWorld: openWorld) }
    }

    /// A group of tools that a server offers or leaves out as one.
    public enum Toolset: String, Sendable, CaseIterable {
        /// Microsoft 365: sessions, requests, sign-in.
        case m365
        /// Shells of this machine.
        case shell
        /// Hosts by SSH.
        case ssh
    }

    /// Whether a call may take long enough to become a job: what only looks at this machine's own files does not.
    package var mayLast: Bool { effects.openWorld || !effects.readOnly }

    /// What a person types for it.
    package var commandLine: String { "mm " + command.joined(separator: " ") }

    /// Whether it pays to follow a call as a task: it runs where it outlives its caller.
    package var mayBeTask: Bool {
        switch home {
        case .pool, .detachable: mayLast && toolset == .m365
        case .anywhere, .besideSessions: false
        }
    }

    /// Who may call an operation.
    public enum Audience: Sendable {
        /// People and models.
        case everyone
        /// Only a person at a terminal: it writes the registry, confirms, or shows what models need not see.
        case person
    }

    /// Where an operation is carried out when front-ends share a pool that outlives them.
    public enum Home: Sendable {
        /// In the process that asks: it needs nothing that outlives the call.
        case anywhere
        /// In the process that asks, but in the pool when its caller may let it go with a handle.
        case detachable
        /// In the pool where one runs, else in the process that asks: it looks at what lives, and without a pool nothing
        /// does.
        case besideSessions
        /// In the pool, which is started for it: what it makes outlives the call.
        case pool
    }

    /// What becomes of a call that a person makes at a terminal.
    package enum AtTerminal: Sendable {
        /// It is given the terminal.
        case opens
        /// Without this argument another operation is meant, which opens the terminal.
        case opensWithout(argument: String, operation: String)
        /// Without this argument a prompt asks for it, line by line, until the person leaves.
        case prompts(argument: String)
    }

    /// What can be done while the pool elsewhere that was named can't be reached. What changes something is for that pool alone:
    /// it may hold a lease, or have other rules.
    package enum WithoutPool: Sendable {
        /// Nothing.
        case nothing
        /// The list of the connections, for which a call without arguments asks.
        case lists
        /// What reads.
        case reads
    }

    /// Who has what an operation tells of, where several pools are one.
    package enum Keeper: Sendable {
        /// Any of them can tell.
        case any
        /// Each has rows of its own.
        case each
        /// Each has rows of its own, and a connection without a session has one as well.
        case eachConnection
        /// The one that made the handle which a call names.
        case handle
        /// The one that asks for the confirmation which a call names.
        case confirmation
    }

    /// A command line and what it does.
    public struct Example: Sendable {
        /// The command line.
        public let command: String
        /// What it does.
        public let purpose: String

        /// An example.
        /// - Parameters:
        ///   - command: the command line.
        ///   - purpose: what it does.
        public init(_ command: String, _ purpose: String) {
            self.command = command
            self.purpose = purpose
        }
    }

    /// The same, offered also by servers that only read.
    var forReaders: OperationDeclaration {
        var copy = self
        copy.servesReaders = true
        return copy
    }

    /// The same, whose exit code 2 is an answer.
    var answeringWithTwo: OperationDeclaration {
        var copy = self
        copy.answersWithTwo = true
        return copy
    }

    /// The same, whose answers hold what a session wrote.
    var withSessionOutput: OperationDeclaration {
        var copy = self
        copy.carriesSessionOutput = true
        return copy
    }

    /// The same, which gives the caller's streams and terminal to a program.
    var startingProgram: OperationDeclaration {
        var copy = self
        copy.startsProgram = true
        return copy
    }

    /// The same, whose writes can be planned.
    var plannable: OperationDeclaration {
        var copy = self
        copy.isPlannable = true
        return copy
    }

    /// The same, of which something else becomes at a terminal.
    func taking(_ terminal: AtTerminal) -> OperationDeclaration {
        var copy = self
        copy.atTerminal = terminal
        return copy
    }

    /// The same, of which this can be done without the pool.
    func answering(withoutPool possible: WithoutPool) -> OperationDeclaration {
        var copy = self
        copy.withoutPool = possible
        return copy
    }

    /// The same, which tells of what these pools have.
    func kept(by keeper: Keeper) -> OperationDeclaration {
        var copy = self
        copy.keeper = keeper
        return copy
    }

    /// The same, whose answer is a list within an object.
    /// - Parameter member: the member that holds the rows.
    func listing(_ member: String) -> OperationDeclaration {
        var copy = self
        copy.listMember = member
        return copy
    }

    /// The same, left out of a model's list of tools.
    var unlisted: OperationDeclaration {
        var copy = self
        copy.isListed = false
        return copy
    }

    /// A declaration.
    /// - Parameters:
    ///   - name: the name everywhere but on the command line.
    ///   - aliases: other names that are understood.
    ///   - command: the words on the command line.
    ///   - title: a short name for people.
    ///   - summary: what it does, in one line.
    ///   - description: what a model needs; the summary when absent.
    ///   - effects: what it does to the world.
    ///   - toolset: which group of tools it belongs to.
    ///   - audience: who may call it.
    ///   - home: where it is carried out when front-ends share a pool.
    ///   - examples: command lines that work.
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
