import MMCore
import MMSessions

/// A session controlled by a test, which records the calls.
final class ScriptedSession: LentSession {
    /// The state that a test sets and reads.
    struct Script {
        var prompt: JSONObject?
        /// The result of the next prompt.
        var promptAgain: JSONObject?
        /// Whether connecting waits until `approve`.
        var waitsForApproval = false
        /// Delays the rest of connecting after the person has approved.
        var finishesAfter: Gate?
        var connectFault: MMError?
        /// Whether an unattended sign-in fails after this is opened.
        var needsSomebodyAfter: Gate?
        var healthFault: MMError?
        var hangsOnHealth = false
        /// Whether a health check that hangs ends when it is cancelled.
        var heedsCancellation = false
        var hangsOnSignOut = false
        /// Delays the result of a health check, also of a closed session.
        var answersHealthAfter: Gate?
        /// Delays a sign-in, whose events then also come from a closed session: its prompt, its error or its success.
        var signsInAfter: Gate?
        /// Delays the start, which then succeeds whatever has happened to its slot.
        var startsAfter: Gate?
        /// Delays the result of the check whether it is a spare.
        var checksSpareAfter: Gate?
        var spareChecks = 0
        /// Delays the return of closing.
        var closesAfter: Gate?
        /// How often connecting began or, if it was delayed, continued.
        var connects = 0
        var signOuts = 0
        var roomAsked = 0
        var isUsable = true
        var isPromptObsolete = false
        var isClosed = false
        var healthChecks = 0
        var running = 0
        var mostAtOnce = 0
    }

    let number: Int
    private let script: Mutex<Script>
    private let gate = Gate()
    private let hang = Gate()
    private let turns = Mutex<TurnQueue?>(nil)

    init(number: Int, script: Script) {
        self.number = number
        self.script = Mutex(script)
    }

    func change(_ body: (inout sending Script) -> Void) { script.withLock { body(&$0) } }
    var seen: Script { script.withLock { $0 } }
    func approve() { gate.open() }

    func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String {
        let script = seen
        change { $0.connects += 1 }
        if let late = script.needsSomebodyAfter, Attendance.isUnattended {
            await late.passed()
            throw MMError(.signInNeeded, "A person must sign in.")
        }
        if let late = script.signsInAfter {
            await late.passed()
            change { $0.connects += 1 }
            if let details = script.prompt { report(.personNeeded(details)) }
            if let fault = script.connectFault { throw fault }
            return "late@contoso.example"
        }
        for details in [script.prompt, script.promptAgain].compactMap(\.self) { report(.personNeeded(details)) }
        if script.waitsForApproval { await gate.passed() }
        if let last = script.finishesAfter {
            report(.approved)
            await last.passed()
        }
        if seen.isClosed { throw MMError(.cancelled, "closed") }
        if let fault = seen.connectFault { throw fault }
        return "admin@contoso.example"
    }

    func lend(through turns: TurnQueue) async { self.turns.withLock { $0 = turns } }

    /// A command that outlasts its caller holds this until it ends.
    func share() -> TurnQueue.Turn? { turns.withLock { $0 }?.share() }

    func checkHealth() async throws(MMError) {
        let turn = turns.withLock { $0 }?.share {
            self.change { $0.roomAsked += 1 }
            self.hang.open()
        }
        defer { turn?.release() }
        change { $0.healthChecks += 1 }
        if seen.hangsOnHealth {
            await withTaskCancellationHandler {
                await hang.passed()
            } onCancel: {
                if seen.heedsCancellation { hang.open() }
            }
        }
        await seen.answersHealthAfter?.passed()
        if let fault = seen.healthFault { throw fault }
    }

    func signOut() async {
        change { $0.signOuts += 1 }
        if seen.hangsOnSignOut { await hang.passed() }
    }

    var isUsable: Bool { seen.isUsable && !seen.isClosed }
    var isSpare: Bool {
        get async {
            change { $0.spareChecks += 1 }
            await seen.checksSpareAfter?.passed()
            return isUsable
        }
    }
    var isPromptObsolete: Bool { seen.isPromptObsolete }
    var memory: Int? { 1000 }

    func close() async {
        change { $0.isClosed = true }
        gate.open()
        hang.open()
        await seen.closesAfter?.passed()
    }

    /// A command: counts how many run at once.
    func command(_ body: () async -> Void = { await Task.yield() }) async {
        change {
            $0.running += 1
            $0.mostAtOnce = max($0.mostAtOnce, $0.running)
        }
        await body()
        change { $0.running -= 1 }
    }
}

/// Opens once for all who wait; waiting ignores cancellation, like a hanging process.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    func passed() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// Makes scripted sessions and keeps them for the test.
final class ScriptedFactory: SessionFactory {
    private let next: Mutex<(script: ScriptedSession.Script, made: [ScriptedSession], fault: MMError?)>

    init(_ script: ScriptedSession.Script = .init(), fault: MMError? = nil) {
        next = Mutex((script, [], fault))
    }

    var made: [ScriptedSession] { next.withLock { $0.made } }
    func change(_ body: (inout sending ScriptedSession.Script) -> Void) { next.withLock { body(&$0.script) } }

    func start(_ key: SessionKey) async throws(MMError) -> ScriptedSession {
        let (session, fault) = next.withLock { next in
            let session = ScriptedSession(number: next.made.count + 1, script: next.script)
            next.made.append(session)
            return (session, next.fault)
        }
        if let fault { throw fault }
        await session.seen.startsAfter?.passed()
        return session
    }
}

/// A clock that tests set.
final class ManualClock: Sendable {
    private let time = Mutex(Duration.zero)
    func advance(_ by: Duration) { time.withLock { $0 += by } }
    var clock: PoolClock {
        PoolClock(now: { self.time.withLock { $0 } }, wall: WallClock { Timestamp(seconds: 1_700_000_000) })
    }
}

/// Waits until a condition holds; the time limit of the test ends it.
func until(_ condition: () async -> Bool) async {
    while await !condition() { await Task.yield() }
}
