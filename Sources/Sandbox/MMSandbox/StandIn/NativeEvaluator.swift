import MMCore
package import MMNative
package import MMPowerShell
package import PowerShellSyntax

/// The native engine as the evaluator of a stand-in: one session, whose variables persist from command to command.
package final class NativeEvaluator: ScriptEvaluator {
    private let session = Mutex(NativeSession())
    /// The width of tables if the command doesn't name one.
    private static let usualWidth = 200
    private static let endlessWidth = 1 << 20

    /// Creates an evaluator.
    package init() {}

    /// Runs a script. A script whose output can't be formatted reliably counts as beyond the engine.
    package func evaluate(
        _ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource,
        emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> ScriptEvaluation {
        var arguments: [String: PSValue] = [:]
        for (name, value) in command.parameters {
            guard case .json(let json) = value, let argument = Self.argument(json) else {
                return .beyond(reason: "the value of the argument \(name)")
            }
            arguments[name] = argument
        }
        var trial = session.withLock { $0 }
        let engine = NativeEngine(sources: [cmdlets], showsLayouts: false, arguments: arguments)
        let result: NativeResult
        switch await engine.run(command.script, parsed: script, in: &trial) {
        case .completed(let complete): result = complete
        case .handedOver(let reason, _): return .beyond(reason: reason)
        case .stopped: return .ended(CommandEnd(.stopped))
        }
        guard let objects = records(of: result.objects, for: command) else {
            return .beyond(reason: "the layout of these objects")
        }
        if !command.isLocal { session.withLock { $0 = trial } }
        for object in objects { emit(object) }
        for line in result.information {
            emit(PowerShellRecord(.information, ["message": .string(line), "tags": ["PSHOST"]]))
        }
        for warning in result.warnings { emit(PowerShellRecord(.warning, .string(warning))) }
        for error in result.errors {
            emit(PowerShellRecord(.error, ["message": .string(error.message), "id": .string(error.id)]))
        }
        guard let failure = result.failure else { return .ended(CommandEnd(.completed)) }
        return .ended(CommandEnd(.failed, failure: CommandFailure(message: failure.message, id: failure.id)))
    }

    /// Returns the value that a script's parameter gets; `nil` for a kind that this evaluator can't pass.
    private static func argument(_ json: JSONValue) -> PSValue? {
        switch json {
        case .string(let text): .string(text)
        case .bool(let flag): .bool(flag)
        case .int(let number): Int32(exactly: number).map { .int($0) } ?? .long(number)
        case .array(let items) where items.allSatisfy({ $0.string != nil }):
            .array(items.map { .string($0.string ?? "") })
        default: nil
        }
    }

    private func records(of objects: [PSValue], for command: PowerShellCommand) -> [PowerShellRecord]? {
        guard command.format == .json else {
            // The engine can't tell where PowerShell would break a long value, so such a value stays on one line.
            let lines =
                PSValue.lines(of: objects, width: command.width ?? Self.usualWidth)
                ?? PSValue.lines(of: objects, width: Self.endlessWidth)
            return lines?.map { PowerShellRecord(.text, .string($0)) }
        }
        var records: [PowerShellRecord] = []
        for object in objects {
            guard let value = object.convertedToJSON(depth: command.depth ?? 3) else { return nil }
            records.append(PowerShellRecord(.output, value))
        }
        return records
    }
}
