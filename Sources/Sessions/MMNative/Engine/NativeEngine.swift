package import MMCore
import MMSystem
package import PowerShellSyntax
import Synchronization

/// Runs scripts of a closed subset of the language without PowerShell. A result is exactly PowerShell's own, or there
/// is none: any other script is handed over, with the reason.
package struct NativeEngine: Sendable {
    /// Receives a script's output in order, as it is emitted. The script waits until it returns.
    package typealias Receiver = @Sendable ([NativeOutput]) async -> Void

    private let sources: [any CmdletSource]
    private let showsLayouts: Bool
    private let screenWidth: Int?
    private let limits: NativeLimits
    private let host: NativeHost?
    private let arguments: [String: PSValue]
    private let missing: Set<String>
    private let isPatient: Bool

    /// Creates an engine with the cmdlets of some sources.
    /// - Parameters:
    ///   - sources: the sources of further cmdlets.
    ///   - showsLayouts: whether layouts that Format-Table and similar commands emit at the end become text, as a shell
    ///     displays them.
    ///   - screenWidth: the columns of the screen that shows layouts; `nil` where there is none.
    ///   - limits: the resource limits of a script.
    ///   - host: the files and questions of scripts on the machine; `nil` to evaluate scripts without them.
    ///   - arguments: values for the script's `param` block, besides those given as texts.
    ///   - missing: names, in lower case, that are known to be no command; running one is the script's error.
    ///   - isPatient: whether a script starts although it contains unsupported parts, which it may never reach. For
    ///     scripts that only read, and that nothing else could run.
    package init(
        sources: [any CmdletSource] = [], showsLayouts: Bool = true, screenWidth: Int? = nil,
        limits: NativeLimits = NativeLimits(), host: NativeHost? = nil, arguments: [String: PSValue] = [:],
        missing: Set<String> = [], isPatient: Bool = false
    ) {
        self.missing = missing
        self.isPatient = isPatient
        self.host = host
        self.arguments = arguments
        self.screenWidth = screenWidth
        self.limits = limits
        self.sources = sources
        self.showsLayouts = showsLayouts
    }

    /// Returns why a script is beyond the engine, or `nil` when its form is supported. Runs nothing.
    /// - Parameter values: texts for the script's `param` block.
    package func unsupportedReason(_ script: ParsedScript, values: [String: String] = [:]) -> String? {
        let check = check(of: script)
        guard let reason = check.reason(values: all(values)) else { return nil }
        return isPatient && check.unfit(values: all(values)) != nil ? nil : reason
    }

    private func check(of script: ParsedScript) -> SubsetCheck {
        SubsetCheck(
            script, hasHost: host != nil, missing: missing, onlyReads: isPatient
        ) { name in sources.contains { $0.knows(name) } }
    }

    private func all(_ texts: [String: String]) -> [String: PSValue] {
        arguments.merging(texts.mapValues { .string($0) }) { own, _ in own }
    }

    /// Runs a script and collects its output. Its variables are kept in the session when it completes.
    /// - Parameters:
    ///   - script: the script's text.
    ///   - parsed: the parsed script, if available.
    ///   - values: texts for the script's `param` block.
    ///   - session: the session whose variables the script uses.
    ///   - deadline: when to stop the script.
    package func run(
        _ script: String, parsed: ParsedScript? = nil, values: [String: String] = [:],
        in session: inout NativeSession, deadline: Deadline = .never
    ) async -> NativeOutcome {
        await run(script, parsed, values, in: &session, deadline, receiver: nil)
    }

    /// Runs a script and delivers its output as it is emitted; the result of the outcome then contains only the
    /// failure. Output that was delivered before a hand-over belongs to no valid result.
    package func run(
        _ script: String, parsed: ParsedScript? = nil, values: [String: String] = [:],
        in session: inout NativeSession, deadline: Deadline = .never, receiver: @escaping Receiver
    ) async -> NativeOutcome {
        await run(script, parsed, values, in: &session, deadline, receiver: .some(receiver))
    }

    private func run(
        _ script: String, _ parsed: ParsedScript?, _ values: [String: String], in session: inout NativeSession,
        _ deadline: Deadline, receiver: Receiver?
    ) async -> NativeOutcome {
        let units = Array(script.utf16)
        let parsed = parsed ?? PowerShellParser.parse(utf16: units)
        if let reason = unsupportedReason(parsed, values: values) {
            return .handedOver(reason: reason, hasSent: false)
        }
        guard let root = parsed.root, let parts = root.partsInOrder else {
            return .handedOver(reason: "an unusual script", hasSent: false)
        }
        host?.begin(leavesFolder: HostCommands.leavesFolder(parsed))
        let unfit = isPatient ? check(of: parsed).unfit(values: all(values)) ?? [:] : [:]
        let thread = EvaluationThread(deadline: deadline)
        let changesInPlace = ScriptFacts(of: parsed).items.contains { item in
            switch item.detail {
            case .setMember, .setIndex, .call: true
            case .command(let command): command.name?.lowercased() == "add-member" || command.mayRecord
            default: false
            }
        }
        let before = session
        let given = all(values)
        let types = ScriptTypes(of: root, source: units, isWide: host != nil)
        let parameters = root.parameterBlock.map { ScriptParameters($0, values: given, types: types) }
        let (sources, showsLayouts, screenWidth, limits, host) = (sources, showsLayouts, screenWidth, limits, host)
        let (missing, onlyReads) = (missing, isPatient)
        let end: (NativeOutcome, NativeSession)
        do {
            end = try await thread.run {
                var hasMadeMuch = false
                // The run must release what it holds before memory is returned to the system.
                func carryOut() -> (NativeOutcome, NativeSession) {
                    let run = NativeRun(
                        units: units, session: changesInPlace ? before.copied : before, sources: sources,
                        limits: limits, host: host, thread: thread,
                        receiver: receiver)
                    run.knows(missing, unfit, of: parsed, types, onlyReads: onlyReads)
                    let outcome = run.run(
                        parts, parameters, showsLayouts: showsLayouts, screenWidth: screenWidth)
                    hasMadeMuch = run.hasMadeMuch
                    return (outcome, run.session(after: before))
                }
                let end = carryOut()
                if hasMadeMuch { OwnMemory.releaseUnused() }
                return end
            }
        } catch {
            return .handedOver(reason: error.message, hasSent: false)
        }
        if case .completed = end.0 { session = end.1 }
        return end.0
    }
}

/// A single run of a script, on the evaluating thread.
private final class NativeRun {
    private let evaluator: Evaluator
    private let delivery: OutputDelivery

    init(
        units: [UInt16], session: NativeSession, sources: [any CmdletSource], limits: NativeLimits,
        host: NativeHost?, thread: EvaluationThread, receiver: NativeEngine.Receiver?
    ) {
        delivery = OutputDelivery(thread: thread, receiver: receiver)
        evaluator = Evaluator(
            source: units, variables: session.variables, delivery: delivery, sources: sources, limits: limits)
        evaluator.foreignVariables = session.foreignVariables
        evaluator.typed.types = session.types
        evaluator.typedElements = session.typedElements
        evaluator.outputSizes = session.outputSizes
        evaluator.host = host
        evaluator.environment = session.environment
    }

    /// Sets what was found out about the script before its start.
    func knows(
        _ missing: Set<String>, _ unfit: [SourceExtent: String], of script: ParsedScript, _ types: ScriptTypes,
        onlyReads: Bool
    ) {
        evaluator.script = script
        evaluator.scriptTypes = types
        evaluator.missing = missing
        evaluator.unfit = unfit
        evaluator.onlyReads = onlyReads
    }

    /// Returns a layout as text and any other object unchanged. Lines that a terminal would break stay whole; readers
    /// break them as they see fit.
    private static func shown(_ item: PSValue, _ screenWidth: Int?) throws(Interrupt) -> PSValue {
        guard let block = FormattedBlock(item) else { return item }
        guard
            var lines = block.lines(
                width: screenWidth ?? FormattedBlock.usualWidth, isScreen: screenWidth != nil, breaksLines: false)
        else {
            throw .handOver("a layout of unusual characters")
        }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return .string(lines.joined(separator: "\n"))
    }

    var hasMadeMuch: Bool { evaluator.hasMadeMuch }

    func session(after before: NativeSession) -> NativeSession {
        var session = before
        session.variables = evaluator.variables.own
        session.variables[Evaluator.preferenceName] = nil
        for name in Evaluator.remarks.union(["input", "warningpreference", Evaluator.defaultsName]) {
            session.variables[name] = nil
        }
        session.environment = evaluator.environment
        session.types = evaluator.typed.types
        session.typedElements = evaluator.typedElements
        session.outputSizes = evaluator.outputSizes
        session.functions.merge(evaluator.functions.mapValues { String(decoding: $0.definition, as: UTF16.self) }) {
            $1
        }
        return session
    }

    func run(
        _ parts: [StatementBlockSyntax], _ parameters: ScriptParameters?, showsLayouts: Bool, screenWidth: Int?
    ) -> NativeOutcome {
        let delivery = delivery
        defer { evaluator.endLine() }
        do throws(Interrupt) {
            try parameters?.bind(in: evaluator)
            for part in parts {
                try evaluator.run(part) { (item) throws(Interrupt) in
                    try evaluator.note(item)
                    try delivery.add(.object(showsLayouts ? try NativeRun.shown(item, screenWidth) : item))
                }
            }
        } catch {
            switch error {
            case .statement(let record):
                guard !record.id.isEmpty else { return .handedOver(reason: record.message, hasSent: delivery.hasSent) }
                if evaluator.preference == .stop {
                    delivery.failure = record
                } else if evaluator.preference == .goOn {
                    delivery.note(.error(record))
                }
            case .fatal(let record), .refused(let record): delivery.failure = record
            case .unanswered(let record):
                delivery.failure = record
                delivery.isUnanswered = true
            case .exit(let code): delivery.exitCode = code
            // Outside any loop, `break` and `continue` end the script.
            case .leaveBlock, .leaveLoop, .leaveMethod: break
            case .stopUpstream, .blockFailed:
                return .handedOver(reason: "an unusual stop", hasSent: delivery.hasSent)
            case .handOver(let reason): return .handedOver(reason: reason, hasSent: delivery.hasSent)
            case .stopped: return .stopped(delivery.result)
            }
        }
        evaluator.endLine()
        guard delivery.flush() else { return .stopped(delivery.result) }
        return .completed(delivery.result)
    }
}

/// The state that a session keeps between scripts: its variables and functions.
package struct NativeSession: Sendable {
    /// The variables' values by lower-case name.
    package internal(set) var variables: [String: PSValue] = [:]
    /// The definitions of functions by lower-case name. The engine doesn't read them: the text of a script contains
    /// what it calls, so that the guard judges it there.
    package var functions: [String: String] = [:]
    /// The variables of the environment that scripts have set, by lower-case name.
    var environment: [String: String] = [:]
    /// The types that variables keep, by lower-case name.
    var types: [String: NamedType] = [:]
    /// The types of the elements of the typed arrays that were made so far.
    var typedElements: Set<String> = []
    /// The sizes of the lists that blocks of Select-Object put out so far.
    var outputSizes: Set<Int> = []
    /// The lower-case names of variables whose current values only another engine of the same session has.
    package var foreignVariables: Set<String> = []

    /// The same session with its own copies of tables and lists.
    var copied: NativeSession {
        var copies = SharedCopies()
        var session = self
        session.variables = variables.mapValues { copies.copied($0) }
        return session
    }

    /// Creates a session without variables.
    package init() {}
}

/// How a script ended in the native engine.
package enum NativeOutcome: Sendable {
    /// The script completed; its result may contain errors.
    case completed(NativeResult)
    /// The script needs a real PowerShell. `hasSent` tells whether a source's cmdlet may have sent a request: a script
    /// that writes must then not be run again.
    case handedOver(reason: String, hasSent: Bool)
    /// The script was cancelled or ran out of time; the result holds the output that was not yet delivered.
    case stopped(NativeResult)
}

/// A script's complete output.
package struct NativeResult: Sendable {
    /// The output stream.
    package var objects: [PSValue] = []
    /// The error stream.
    package var errors: [NativeError] = []
    /// The warning stream.
    package var warnings: [String] = []
    /// The messages for the person, each with the number of objects before it.
    package private(set) var messages: [(text: String, place: Int)] = []
    /// The exception that ended the script.
    package var failure: NativeError?
    /// Whether the script ended because nobody answered a question.
    package var isUnanswered = false
    /// The code that the script gave to `exit`, if it ended that way.
    package var exitCode: Int32?

    /// Creates an empty result.
    package init() {}

    /// The messages without their places.
    package var information: [String] { messages.map(\.text) }

    /// Adds a message behind the objects so far.
    package mutating func add(message: String) { messages.append((message, objects.count)) }
}

/// The resources that one script may use in the process that evaluates it. Scripts that need more are handed over to
/// PowerShell, which runs in a process of its own.
package struct NativeLimits: Sendable {
    /// The maximum size of a text, in bytes.
    package var textBytes = 8 << 20
    /// The maximum number of elements in a list, before the first request to a service.
    package var listItems = 1_000_000
    /// The maximum memory of a run in bytes, before the first request to a service.
    package var memoryBytes = 48 << 20
    /// The maximum memory of a run in bytes, including the rows of services.
    package var rowBytes = 1 << 30
    /// The number of bytes allocated between two checks of the process's memory.
    package var bytesBetweenLooks = 4 << 20
    /// Returns the resident memory of the process in bytes.
    package var residentBytes: @Sendable () -> Int = { OwnMemory.resident() ?? 0 }
    /// The maximum number of evaluation steps, before the first request to a service.
    package var steps = 50_000_000
    /// The maximum number of iterations of loops that only their own condition ends, before the first request to a
    /// service.
    package var rounds = 1_000_000
    /// The maximum number of steps of a match or replacement, in addition to 64 for each byte of the text.
    package var patternSteps = 200_000
    /// Whether a change of this run was held back instead of sent. What follows may wait for it in vain, so loops and
    /// waits are then bounded.
    package var holds: @Sendable () -> Bool = { false }
    /// The maximum number of iterations of loops that only their own condition ends, after a change was held back.
    package var roundsAfterHold = 2000
    /// The maximum number of waits after a change was held back.
    package var waitsAfterHold = 20

    /// Creates the default limits.
    package init() {}
}

extension NativeEngine {
    /// The reason with which a run ends that may wait for a change that was held back.
    package static let waitsForHeld = "a loop that may wait for a change that was not made"
    /// The reason with which a run ends that needs what a change would make, which was held back.
    package static let needsHeld = "it needs the answer to a change that was not made"

    /// Returns whether a run ended with a reason because changes were held back, and not because it needs PowerShell.
    package static func isOfHeld(_ reason: String) -> Bool { reason == waitsForHeld || reason == needsHeld }
}

/// The thread that evaluates one script, paired with the task that waits for it.
///
/// Evaluation recurses with the script's nesting and may compute for a long time, so it has a thread and a stack of its
/// own. Anything asynchronous (a page of a service, a reader that takes the output) is awaited by the waiting task
/// while the thread blocks, which also slows down a fast producer. The task then runs on the blocked thread.
final class EvaluationThread: Sendable {
    /// The size of the stack in bytes of address space; pages are committed as they are touched.
    static let stackSize = 64 << 20
    private static let reserve = ThreadReserve("mm-native", stackSize: stackSize, maxIdle: 16)

    private let requests: AsyncStream<@Sendable () async -> Void>
    private let outbox: AsyncStream<@Sendable () async -> Void>.Continuation
    private let waiting = WaitingThread()
    private let stopped = Atomic<Bool>(false)

    private let deadline: Deadline

    /// Creates a thread for one run.
    /// - Parameter deadline: the time by which the script must have ended.
    init(deadline: Deadline = .never) {
        self.deadline = deadline
        (requests, outbox) = AsyncStream.makeStream()
    }

    /// Whether the waiting task was cancelled or the time is up. Evaluation ends soon after.
    var isStopped: Bool { stopped.load(ordering: .relaxed) || deadline.hasPassed }

    /// The time until the deadline; none once it has passed.
    var timeLeft: Duration { max(deadline.remaining, .zero) }

    /// Runs a body on the thread and serves its requests until it has finished.
    /// - Throws: `.unavailable` when no thread can be created.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(MMError) -> Value {
        let outcome = OneShot<Value>()
        let (outbox, waiting) = (outbox, waiting)
        try EvaluationThread.reserve.run {
            waiting.wait()
            outcome.resolve(body())
            waiting.wait { outbox.finish() }
        }
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(waiting) {
                // The thread begins when this task has nothing to do but wait for its requests.
                waiting.post()
                for await request in requests {
                    await request()
                    waiting.post()
                }
                waiting.post()
            }
        } onCancel: {
            stop()
        }
        // Cancellation ends the stream as well, so stop the thread and wait until it has ended.
        stop()
        return await outcome.wait()
    }

    /// Makes the waiting task perform some work and blocks until it is done. Call it on the evaluating thread only.
    /// - Returns: whether it was done; `false` once the task is cancelled or the time is up.
    func perform(_ work: @escaping @Sendable () async -> Void) -> Bool {
        guard !isStopped else { return false }
        var isTaken = true
        waiting.wait {
            if case .enqueued = outbox.yield(work) { return }
            isTaken = false
            waiting.post()
        }
        return isTaken && !isStopped
    }

    private func stop() {
        stopped.store(true, ordering: .relaxed)
        waiting.post()
    }
}

/// An item of a script's output, in the order of its streams' interleaving.
package enum NativeOutput: Sendable {
    /// An object of the output stream.
    case object(PSValue)
    /// A record of the error stream.
    case error(NativeError)
    /// A line of the warning stream.
    case warning(String)
    /// A message for the person.
    case information(String)
}

/// Delivers a script's output to its receiver in batches. Confined to the evaluating thread.
final class OutputDelivery {
    private let thread: EvaluationThread?
    private let receiver: NativeEngine.Receiver?
    private var pending: [NativeOutput] = []
    /// The number of errors reported so far.
    private(set) var errorCount = 0
    /// Whether a source's cmdlet may have sent a request.
    var hasSent = false
    /// The exception that ended the script.
    var failure: NativeError?
    /// Whether the script ended because nobody answered a question.
    var isUnanswered = false
    /// The code that the script gave to `exit`.
    var exitCode: Int32?
    /// The number of pending items when a person was last asked.
    private var seenByPerson = 0

    private static let portion = 256

    init(thread: EvaluationThread? = nil, receiver: NativeEngine.Receiver? = nil) {
        self.thread = thread
        self.receiver = receiver
    }

    /// Whether the run was cancelled or its time is up.
    var isStopped: Bool { thread?.isStopped ?? false }

    /// The time by which the run has to end, from now.
    var timeLeft: Duration { thread?.timeLeft ?? .zero }

    /// Adds an item; waits for the receiver once enough items are pending.
    func add(_ output: NativeOutput) throws(Interrupt) {
        if case .object(.object(let object)) = output, object.isOpaque {
            throw .handOver("showing \(object.typeName)")
        }
        note(output)
        guard receiver != nil, pending.count >= OutputDelivery.portion else { return }
        guard flush() else { throw .stopped }
    }

    /// Adds an item without waiting for the receiver.
    func note(_ output: NativeOutput) {
        if case .error = output { errorCount += 1 }
        pending.append(output)
    }

    /// Delivers the pending items; returns `false` when the run was cancelled or its time is up.
    func flush() -> Bool {
        guard let receiver, !pending.isEmpty else { return true }
        let portion = pending
        pending = []
        seenByPerson = 0
        return thread?.perform { await receiver(portion) } ?? false
    }

    /// Returns the messages since a person was last asked that nobody has got yet.
    func saidSinceQuestion() -> [String] {
        defer { seenByPerson = pending.count }
        guard receiver == nil else { return [] }
        return pending[seenByPerson...].compactMap { output in
            switch output {
            case .information(let text), .warning(let text), .object(.string(let text)): text
            case .object, .error: nil
            }
        }
    }

    /// Makes the waiting task perform some work, after the pending items are delivered.
    func perform(_ work: @escaping @Sendable () async -> Void) throws(Interrupt) {
        guard flush(), thread?.perform(work) ?? false else { throw .stopped }
    }

    /// All output that was not delivered.
    var result: NativeResult {
        var result = NativeResult()
        result.objects.reserveCapacity(pending.count)
        for output in pending {
            switch output {
            case .object(let object): result.objects.append(object)
            case .error(let error): result.errors.append(error)
            case .warning(let text): result.warnings.append(text)
            case .information(let text): result.add(message: text)
            }
        }
        result.failure = failure
        result.exitCode = exitCode
        result.isUnanswered = isUnanswered
        return result
    }
}

extension NativeEngine {
    /// Returns whether the engine itself implements a command, given by name or built-in alias in any case.
    package static func carriesOut(_ name: String) -> Bool { Cmdlets.specification(of: name) != nil }
}

extension NativeSession {
    /// Drops variables whose values another engine has set in the meantime.
    package mutating func forget(_ names: Set<String>) {
        for name in names {
            variables[name] = nil
            types[name] = nil
        }
        foreignVariables = names
    }
}

/// What scripts need from the machine that runs them, determined from their text.
extension NativeEngine {
    /// Returns whether a script asks questions, so that answers may be given beforehand.
    package static func asks(_ script: ParsedScript) -> Bool {
        let questions: Set<String> = ["read-host", "out-gridview", "ogv"]
        let methods: Set<String> = ["promptforchoice", "readline", "readkey"]
        return ScriptFacts(of: script).items.contains { item in
            switch item.detail {
            case .command(let command): questions.contains(command.name?.lowercased() ?? "")
            case .call(let call): methods.contains(call.name?.lowercased() ?? "")
            default: false
            }
        }
    }

    /// Returns whether a script uses files, which are delivered when it has ended.
    package static func usesFiles(_ script: ParsedScript) -> Bool {
        let files: Set<String> = [
            "export-csv", "epcsv", "export-clixml", "out-file", "set-content", "add-content", "tee-object", "new-item",
        ]
        return ScriptFacts(of: script).items.contains { item in
            switch item.detail {
            case .command(let command):
                return files.contains(command.name?.lowercased() ?? "") || !command.redirections.isEmpty
            case .expression(let redirections): return !redirections.isEmpty
            default: return false
            }
        }
    }
}
