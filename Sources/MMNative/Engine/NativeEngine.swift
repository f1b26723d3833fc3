package import MMCore
import MMSystem
package import PowerShellSyntax

/// Runs scripts of the closed language without a PowerShell. A result is PowerShell's own, or there is none: whatever
/// lies outside is handed over with the reason.
package struct NativeEngine: Sendable {
    /// Takes what a script puts out, in order, as it comes. The script stands still until it returns.
    package typealias Receiver = @Sendable ([NativeOutput]) async -> Void

    private let sources: [any CmdletSource]
    private let showsLayouts: Bool
    private let limits: NativeLimits

    /// An engine with the cmdlets of some sources.
    /// - Parameter showsLayouts: what Format-Table and its kin put out at the end becomes text, as a shell shows it.
    /// - Parameter limits: how much one script may take.
    package init(
        sources: [any CmdletSource] = [], showsLayouts: Bool = true, limits: NativeLimits = NativeLimits()
    ) {
        self.limits = limits
        self.sources = sources
        self.showsLayouts = showsLayouts
    }

    /// Why a script is beyond the engine; `nil` when its form fits. Nothing runs.
    /// - Parameter values: texts for the script's param block.
    package func misfit(
        _ script: ParsedScript, values: [String: String] = [:], in session: NativeSession
    ) -> String? {
        SubsetCheck(script) { name in sources.contains { $0.knows(name) } }.reason(values: values)
    }

    /// Runs a script and gathers what it puts out. Its variables stay in the session when it completes.
    /// - Parameters:
    ///   - parsed: what the parser made of this script, where that is known.
    ///   - values: texts for the script's param block.
    ///   - deadline: when it is stopped.
    package func run(
        _ script: String, parsed: ParsedScript? = nil, values: [String: String] = [:],
        in session: inout NativeSession, deadline: Deadline = .never
    ) async -> NativeOutcome {
        await run(script, parsed, values, in: &session, deadline, receiver: nil)
    }

    /// Runs a script and delivers what it puts out as it comes; the outcome's result then holds the failure alone.
    /// What was delivered before a hand-over is part of a result that never was.
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
        if let reason = misfit(parsed, values: values, in: session) {
            return .handedOver(reason: reason, hasSent: false)
        }
        guard let root = parsed.root, let body = root.body else {
            return .handedOver(reason: "an unusual script", hasSent: false)
        }
        let thread = EvaluationThread(deadline: deadline)
        let before = session
        let parameters = root.parameterBlock.map { ScriptParameters($0, values: values) }
        let (sources, showsLayouts, limits) = (sources, showsLayouts, limits)
        let end: (NativeOutcome, NativeSession)
        do {
            end = try await thread.run {
                var hasMadeMuch = false
                // The run lets go of what it holds before memory is given back.
                func carryOut() -> (NativeOutcome, NativeSession) {
                    let run = NativeRun(
                        units: units, session: before, sources: sources, limits: limits, thread: thread,
                        receiver: receiver)
                    let outcome = run.run(body, parameters, showsLayouts: showsLayouts)
                    hasMadeMuch = run.hasMadeMuch
                    return (outcome, run.session(after: before))
                }
                let end = carryOut()
                if hasMadeMuch { OwnMemory.giveBack() }
                return end
            }
        } catch {
            return .handedOver(reason: error.message, hasSent: false)
        }
        if case .completed = end.0 { session = end.1 }
        return end.0
    }
}

/// One run of a script, on the evaluating thread.
private final class NativeRun {
    private let evaluator: Evaluator
    private let delivery: Delivery

    init(
        units: [UInt16], session: NativeSession, sources: [any CmdletSource], limits: NativeLimits,
        thread: EvaluationThread, receiver: NativeEngine.Receiver?
    ) {
        delivery = Delivery(thread: thread, receiver: receiver)
        evaluator = Evaluator(
            source: units, variables: session.variables, delivery: delivery, sources: sources, limits: limits)
        evaluator.foreignVariables = session.foreignVariables
    }

    /// A layout as text, any other object as it is. Where a terminal would break lines they stay whole: whoever reads
    /// this breaks them as they like.
    private static func shown(_ item: PSValue) throws(Interrupt) -> PSValue {
        guard let block = FormattedBlock(item) else { return item }
        guard var lines = block.lines(width: 120) ?? block.lines(width: 65_536) else {
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
        return session
    }

    func run(_ body: StatementBlockSyntax, _ parameters: ScriptParameters?, showsLayouts: Bool) -> NativeOutcome {
        let delivery = delivery
        do throws(Interrupt) {
            try parameters?.bind(in: evaluator)
            try evaluator.run(body.statements) { (item) throws(Interrupt) in
                try evaluator.note(item)
                try delivery.add(.object(showsLayouts ? try NativeRun.shown(item) : item))
            }
        } catch {
            switch error {
            case .statement(let record):
                guard !record.id.isEmpty else { return .handedOver(reason: record.message, hasSent: delivery.hasSent) }
                delivery.note(.error(record))
            case .fatal(let record):
                delivery.failure = record
            case .leaveBlock: break
            case .leaveLoop, .stopUpstream, .blockFailed:
                return .handedOver(reason: "an unusual stop", hasSent: delivery.hasSent)
            case .handOver(let reason): return .handedOver(reason: reason, hasSent: delivery.hasSent)
            case .stopped: return .stopped(delivery.result, hasSent: delivery.hasSent)
            }
        }
        guard delivery.flush() else { return .stopped(delivery.result, hasSent: delivery.hasSent) }
        return .completed(delivery.result)
    }
}
