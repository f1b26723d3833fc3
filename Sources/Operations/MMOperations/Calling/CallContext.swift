import Glibc
package import MMCore
package import MMGuard

/// The place of a call within an outer call. The outer call is undone as one change.
package struct CallPart: Sendable, Hashable {
    /// The audit log names of the enclosing calls, the outermost first.
    package let calls: [String]
    /// The tool or recipe that is carried out, if any.
    package var tool: String?
    /// The step of the tool or recipe.
    package var step: String?

    /// Creates the place of a step of a call, and so of the calls that enclose it.
    init(of context: OperationContext, tool: String? = nil, step: String? = nil) {
        calls = (context.call.partOf?.calls ?? []) + [context.record.call]
        self.tool = tool
        self.step = step
    }
}

extension OperationContext {
    /// Returns the context of a step of this call. The step has the rest of this call's time and never becomes a job of
    /// its own.
    func part(of tool: String? = nil, step: String? = nil) -> CallContext {
        var part = call
        part.partOf = CallPart(of: self, tool: tool, step: step)
        part.backgroundAfter = nil
        part.timeLimit = max(.zero, deadline.remaining)
        return part
    }
}

/// The circumstances of a call as plain values, the same whether the front-end's own process or the pool carries the
/// call out.
///
/// `TermHeaders` has a line for each of them, which carries it to the pool.
public struct CallTerms: Sendable, Hashable {
    /// The caller.
    public var caller: Caller
    /// How long the whole call may take; 300 s unless said otherwise.
    public var timeLimit: Duration
    /// Whether the call waits for a sign-in that it needs; otherwise the call fails with `sign_in_needed` at once.
    public var waitsForSignIn: Bool
    /// How long the caller waits before it gets the handle of a running job instead of the answer; `nil` to wait until
    /// the end. With zero the handle comes as soon as the call is under way.
    public var backgroundAfter: Duration?
    /// Whether the caller always gets a job's handle, even if the call ends at once.
    package var needsHandle = false
    /// The client's session, which owns its shells, and its jobs unless `jobOwner` is set; `nil` for callers that make
    /// one call only.
    public var sessionID: String?
    /// The owner of the call's job, for clients that may come back as another process: some gateways start a process
    /// for each call.
    package var jobOwner: String?
    /// How long the call waits for a person's approval before it fails with `confirmation_needed`; `nil` for not at
    /// all.
    package var approvalWait: Duration?
    /// The model behind the client, if the client names it.
    package var model: String?
    /// The caller's working directory, the base of relative paths on this machine; `nil` for this process's own.
    package var directory: String?
    /// The width of the caller's screen in columns, for the layout of texts; `nil` if there is no screen.
    package var screenColumns: Int?
    /// Whether the caller may only read, whatever the connection's own policy allows.
    package var readsOnly = false
    /// The trace context that the caller sent, if any.
    package var trace: TraceContext?
    /// The call's id, by which a repeated call is recognized; `nil` if the caller gave none.
    package var callID: String?
    /// Whether another node of the cluster forwarded the call. It is not forwarded again.
    package var isForwarded = false

    /// Creates the terms of a call.
    /// - Parameters:
    ///   - caller: the caller.
    ///   - timeLimit: how long the whole call may take.
    ///   - waitsForSignIn: whether the call waits for a sign-in that it needs.
    ///   - backgroundAfter: how long the caller waits before it gets a running job's handle instead of the answer.
    ///   - sessionID: the client's session, which owns its shells and jobs.
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

/// The context that a front-end passes to an `OperationService` with a call: its terms, which can be read as properties
/// of the context, and values that can't leave this process.
@dynamicMemberLookup
public struct CallContext: Sendable {
    /// The part of the context that is also sent to other processes.
    public var terms: CallTerms
    /// The access token that the caller sent, for connections that act on behalf of their callers.
    package var assertion: Secret?
    /// The socket of the SSH agent whose keys are used for the caller's hosts; `nil` for this process's agent.
    package var agentSocket: String?
    /// The input that the caller sends while the call runs, if any.
    package var input: (any CallInput)?
    /// The streams and the terminal for a program that the call starts, if the caller is this process.
    package var seat: (any ProgramSeat)?
    /// The receiver of progress reports.
    public var progress: @Sendable (ProgressReport) -> Void
    /// The person who can be asked, if there is one. A pool refuses the calls of a program that names one and has no
    /// terminal: nothing shows that there is a person.
    public var person: (any ConfirmingPerson)?

    // The members below never leave the process. They are for the call's own steps and for the front-ends of earlier
    // servers.

    /// The actions that the guard allows this caller's protocol without asking a person.
    package var guardAllowances: GuardAllowances = []
    /// The shared clearance, if the call is one of several that are cleared together; `nil` otherwise.
    package var oneOfSeveral: JointClearance?
    /// The recorder of the changes that the call would make, with which only reads are sent; `nil` for a call that is
    /// carried out.
    package var planning: PlanRecorder?
    /// The call that this one is a step of; `nil` if it is not a step.
    package var partOf: CallPart?
    /// Whether the answer to a command names the engine that ran it.
    package var namesEngine = true
    /// The call's name in the audit log and the journal, set where several processes may write about the same call.
    package var recordName: String?
    /// The cluster node that began the call and is gone. This node then only checks what became of it.
    package var begunElsewhere: String?

    /// Creates the context of a call.
    /// - Parameters:
    ///   - terms: its terms.
    ///   - person: the person who can be asked, if there is one.
    ///   - progress: receives progress reports.
    public init(
        terms: CallTerms, person: (any ConfirmingPerson)? = nil,
        progress: @escaping @Sendable (ProgressReport) -> Void = { _ in }
    ) {
        self.terms = terms
        self.person = person
        self.progress = progress
    }

    /// Creates the context of a call.
    /// - Parameters:
    ///   - caller: the caller.
    ///   - timeLimit: how long the whole call may take.
    ///   - waitsForSignIn: whether the call waits for a sign-in that it needs.
    ///   - backgroundAfter: how long the caller waits before it gets a running job's handle instead of the answer.
    ///   - sessionID: the client's session, which owns its shells and jobs.
    ///   - person: the person who can be asked, if there is one.
    ///   - progress: receives progress reports.
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

    /// The socket of the SSH agent named in this process's environment.
    package static var ownAgentSocket: String? {
        getenv("SSH_AUTH_SOCK").map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    /// The working directory of this process; `nil` for a deleted directory, and for the root directory, where services
    /// start and which no caller means.
    package static var ownDirectory: String? {
        ThisProcess.workingDirectory.flatMap { $0 == "/" ? nil : $0 }
    }

    /// Resolves a relative path against the caller's working directory.
    package func path(_ path: String) -> String {
        guard let directory = terms.directory, !path.isEmpty, !path.hasPrefix("/"), !path.hasPrefix("~") else {
            return path
        }
        return directory + "/" + path
    }
}
