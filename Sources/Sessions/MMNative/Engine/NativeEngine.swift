package import MMCore
import MMSystem
package import PowerShellSyntax

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
    ///   - host: what scripts may do on the machine: files of their own, questions; `nil` where they are evaluated alone.
    ///   - arguments: values for the script's `param` block, besides those given as texts.
    ///   - missing: names, in lower case, that are no command anywhere: where the script runs one, that is its error.
    ///   - isPatient: whether a script begins although parts of it are beyond the engine which it may never reach. For scripts
    ///     that only read, and that nothing else could run.
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
    package func unsupportedReason(
        _ script: ParsedScript, values: [String: String] = [:], in session: NativeSession
    ) -> String? {
        let check = check(of: script)
        guard let reason = check.reason(values: all(values)) else { return nil }
        return isPatient && check.unfit(values: all(values)) != nil ? nil : reason
    }

    private func check(of script: ParsedScript) -> SubsetCheck {
        SubsetCheck(
            script, hasHost: host != nil, canAsk: host?.canAsk ?? false, missing: missing, onlyReads: isPatient
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
        if let reason = unsupportedReason(parsed, values: values, in: session) {
            return .handedOver(reason: reason, hasSent: false)
        }
        guard let root = parsed.root, let parts = root.partsInOrder else {
            return .handedOver(reason: "an unusual script", hasSent: false)
        }
        let unfit = isPatient ? check(of: parsed).unfit(values: all(values)) ?? [:] : [:]
        let thread = EvaluationThread(deadline: deadline)
        let changesInPlace = ScriptFacts(of: parsed).items.contains { item in
            switch item.detail {
            case .setMember, .setIndex, .call: true
            case .command(let command): command.name?.lowercased() == "add-member"
            default: false
            }
        }
        let before = session
        let given = all(values)
        let parameters = root.parameterBlock.map { ScriptParameters($0, values: given) }
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
                    run.knows(missing, unfit, of: parsed, onlyReads: onlyReads)
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
        evaluator.types = session.types
        evaluator.host = host
    }

    /// Takes what was found of the script before it began.
    func knows(
        _ missing: Set<String>, _ unfit: [SourceExtent: String], of script: ParsedScript, onlyReads: Bool
    ) {
        evaluator.script = script
        evaluator.missing = missing
        evaluator.unfit = unfit
        evaluator.onlyReads = onlyReads
    }

    /// The columns that PowerShell lays out for where there is no screen.
    private static let usualWidth = 120

    /// Returns a layout as text and any other object unchanged. Lines that a terminal would break stay whole; readers
    /// break them as they see fit.
    private static func shown(_ item: PSValue, _ screenWidth: Int?) throws(Interrupt) -> PSValue {
        guard let block = FormattedBlock(item) else { return item }
        let own = block.lines(width: screenWidth ?? usualWidth, isScreen: screenWidth != nil)
        guard var lines = own ?? block.lines(width: 65_536) else {
            throw .handOver("a layout of unusual characters")
        }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return .string(lines.joined(separator: "\n"))
    }

    var hasMadeMuch: Bool { evaluator.hasMadeMuch }

    func session(after before: NativeSession) -> NativeSession {
        var session = before
        session.variables = evaluator.variables
        session.variables[Evaluator.preferenceName] = nil
        for name in ["input", "warningpreference"] { session.variables[name] = nil }
        session.types = evaluator.types
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
            case .fatal(let record), .refused(let record):
                delivery.failure = record
            case .exit(let code): delivery.exitCode = code
            // Outside of any loop, `break` and `continue` end the script.
            case .leaveBlock, .leaveLoop: break
            case .stopUpstream, .blockFailed:
                return .handedOver(reason: "an unusual stop", hasSent: delivery.hasSent)
            case .handOver(let reason): return .handedOver(reason: reason, hasSent: delivery.hasSent)
            case .stopped: return .stopped(delivery.result, hasSent: delivery.hasSent)
            }
        }
        evaluator.endLine()
        guard delivery.flush() else { return .stopped(delivery.result, hasSent: delivery.hasSent) }
        return .completed(delivery.result)
    }
}
