import Glibc
package import MMCore
package import MMGuard

/// The place of a call within another one, which is taken back as one change.
package struct CallPart: Sendable, Hashable {
    /// The calls that it is a part of, as the audit log names them, the outermost first.
    package let calls: [String]
    /// The tool or recipe that it carries out, where it is one.
    package var tool: String?
    /// Which step of it this is.
    package var step: String?

    /// A part of a call, and of all that this one is a part of.
    init(of context: OperationContext, tool: String? = nil, step: String? = nil) {
        calls = (context.call.partOf?.calls ?? []) + [context.record.call]
        self.tool = tool
        self.step = step
    }
}

extension OperationContext {
    /// The call that is a part of this one: it may last as long, and is no job of its own.
    func part(of tool: String? = nil, step: String? = nil) -> CallContext {
        var part = call
        part.partOf = CallPart(of: self, tool: tool, step: step)
        part.backgroundAfter = nil
        part.timeLimit = max(.zero, deadline.remaining)
        return part
    }
}

/// The circumstances of a call as plain values: what a front-end and a pool agree on, whichever of them carries it out.
///
/// `TermHeaders` has a line for each of them, by which it crosses the pool's wire.
public struct CallTerms: Sendable, Hashable {
    /// Who asks.
    public var caller: Caller
    /// How long the whole call may take; 300 s unless said otherwise.
    public var timeLimit: Duration
    /// Whether a sign-in that is needed is waited for; else it is answered at once.
    public var waitsForSignIn: Bool
    /// How long the caller waits before the answer is a running job's handle; `nil`: to the end. Zero lets the call go as
    /// soon as it is under way.
    public var backgroundAfter: Duration?
    /// Whether the caller takes nothing but a job's handle, also of a call that ends at once.
    package var needsHandle = false
    /// The client's own session, to which its shells belong, and its jobs where they have no other owner; `nil` for callers
    /// that come once.
    public var sessionID: String?
    /// Whose the call's job is where its client may come back as another process: a gateway starts one for each call.
    package var jobOwner: String?
    /// How long the call waits for a person's approval before it is answered that one is needed; `nil`: not at all.
    package var approvalWait: Duration?
    /// The model behind the client, where the client tells it.
    package var model: String?
    /// Where the caller stands: relative paths of files on this machine start there. `nil`: where this process stands.
    package var directory: String?
    /// How many columns the screen has that texts are laid out for; `nil` where no screen shows them.
    package var screenColumns: Int?
    /// Whether the caller may only read, whatever the connection's own policy allows.
    package var readsOnly = false
    /// The trace that the caller's own work belongs to, where it said so.
    package var trace: TraceContext?
    /// The call's own id, by which one that is sent again is known; `nil` where its caller gave none.
    package var callID: String?
    /// Whether another node of a cluster has sent it on: it is carried out here or nowhere.
    package var isForwarded = false

    /// The terms of a call.
    /// - Parameters:
    ///   - caller: who asks.
    ///   - timeLimit: how long the whole call may take.
    ///   - waitsForSignIn: whether a sign-in that is needed is waited for.
    ///   - backgroundAfter: how long the caller waits before the answer is a running job's handle.
    ///   - sessionID: the client's own session, to which its shells and jobs belong.
    public init(
        caller: Caller, timeLimit: Duration = .seconds(300), waitsForSignIn: Bool = false,
        backgroundAfter: Duration? = nil, sessionID: String? = nil
    ) {
        self.caller = caller
        self.timeLimit = timeLimit
        self.waitsForSignIn = waitsForSignIn
        self.backgroundAfter = backgroundAfter
        self.sessionID = sessionID
    }
}

/// What goes with a call from a front-end to an `OperationService`: its terms, which read as properties of the context, and
/// what only the process that holds it can reach.
@dynamicMemberLookup
public struct CallContext: Sendable {
    /// The circumstances that another process is told, too.
    public var terms: CallTerms
    /// The access token with which the caller came, for connections that act on behalf of their callers.
    package var assertion: Secret?
    /// The socket of the caller's SSH agent, whose keys its hosts are reached with; `nil`: the one of this process.
    package var agentSocket: String?
    /// What the caller hands over while the call runs, where it does.
    package var input: (any CallInput)?
    /// Where a program stands that the call starts: the caller's own streams and terminal, where the caller is this process.
    package var seat: (any ProgramSeat)?
    /// Takes reports of progress.
    public var progress: @Sendable (ProgressReport) -> Void
    /// The person who can be asked, where there is one.
    public var person: (any ConfirmingPerson)?

    // What follows never leaves the process: it is for the call's own steps, and for faces of earlier servers.

    /// What the caller's protocol lets through that the guard otherwise asks a person about.
    package var guardAllowances: GuardAllowances = []
    /// What lets the call through the guard where it is one of several that are made together; `nil` for every other call.
    package var oneOfSeveral: JointClearance?
    /// Takes what the call would change, so that nothing but reads is sent; `nil` for a call that is carried out.
    package var planning: PlanRecorder?
    /// The call that this one is a step of; `nil` for one that is made by itself.
    package var partOf: CallPart?
    /// Whether a command's answer names the engine that ran it.
    package var namesEngine = true
    /// What the audit log and the journal are to call it, where several processes may come to write of it.
    package var recordName: String?
    /// The node of a cluster that had begun it and is gone: here it is only looked at again.
    package var begunElsewhere: String?

    /// What goes with a call.
    /// - Parameters:
    ///   - terms: its circumstances.
    ///   - person: the person who can be asked, where there is one.
    ///   - progress: takes reports of progress.
    public init(
        terms: CallTerms, person: (any ConfirmingPerson)? = nil,
        progress: @escaping @Sendable (ProgressReport) -> Void = { _ in }
    ) {
        self.terms = terms
        self.person = person
        self.progress = progress
    }

    /// What goes with a call.
    /// - Parameters:
    ///   - caller: who asks.
    ///   - timeLimit: how long the whole call may take.
    ///   - waitsForSignIn: whether a sign-in that is needed is waited for.
    ///   - backgroundAfter: how long the caller waits before the answer is a running job's handle.
    ///   - sessionID: the client's own session, to which its shells and jobs belong.
    ///   - person: the person who can be asked, where there is one.
    ///   - progress: takes reports of progress.
    public init(
        caller: Caller, timeLimit: Duration = .seconds(300), waitsForSignIn: Bool = false,
        backgroundAfter: Duration? = nil, sessionID: String? = nil, person: (any ConfirmingPerson)? = nil,
        progress: @escaping @Sendable (ProgressReport) -> Void = { _ in }
    ) {
        self.init(
            terms: CallTerms(
                caller: caller, timeLimit: timeLimit, waitsForSignIn: waitsForSignIn, backgroundAfter: backgroundAfter,
                sessionID: sessionID),
            person: person, progress: progress)
    }

    /// A term, as a property of the call.
    public subscript<Term>(dynamicMember term: WritableKeyPath<CallTerms, Term>) -> Term {
        get { terms[keyPath: term] }
        set { terms[keyPath: term] = newValue }
    }

    /// The socket of the SSH agent of whoever started this process.
    package static var ownAgentSocket: String? {
        getenv("SSH_AUTH_SOCK").map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    /// Where this process stands; `nil` in the root folder, where services stand and nobody means to be, and in a folder
    /// that is gone.
    package static var ownDirectory: String? {
        guard let here = getcwd(nil, 0) else { return nil }
        defer { free(here) }
        let path = String(cString: here)
        return path.hasPrefix("/") && path != "/" ? path : nil
    }

    /// A path as the caller means it.
    package func path(_ path: String) -> String {
        guard let directory = terms.directory, !path.isEmpty, !path.hasPrefix("/"), !path.hasPrefix("~") else {
            return path
        }
        return directory + "/" + path
    }
}
