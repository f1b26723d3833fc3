import MMCore
package import MMNative
package import MMPowerShell
package import PowerShellSyntax

/// The native engine as the evaluator of a stand-in: one session, whose variables persist from command to command.
package actor NativeEvaluator: ScriptEvaluator {
    private var session = NativeSession()
    /// The width of tables if the command doesn't name one.
    private static let usualWidth = 200
    private static let endlessWidth = 1 << 20

    /// Creates an evaluator.
    package init() {}

    /// Runs a script. A script whose output can't be formatted reliably counts as beyond the engine.
    package func evaluate(
        _ command: PowerShellCommand, with cmdlets: any CmdletSource,
        emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> ScriptEvaluation {
        guard let values = Self.values(of: command) else { return .beyond(reason: Self.strangeArgument) }
        var trial = session
        let result: NativeResult
        switch await Self.engine(cmdlets).run(command.script, values: values, in: &trial) {
        case .completed(let complete): result = complete
        case .handedOver(let reason, _): return .beyond(reason: reason)
        case .stopped: return .ended(CommandEnd(.stopped))
        }
        guard let objects = records(of: result.objects, for: command) else {
            return .beyond(reason: "the layout of these objects")
        }
        if !command.isLocal { session = trial }
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

    /// Returns why a script isn't supported by the engine; `nil` if it is.
    package nonisolated func reasonAgainst(
        _ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource
    ) -> String? {
        guard let values = Self.values(of: command) else { return Self.strangeArgument }
        return Self.engine(cmdlets).unsupportedReason(script, values: values)
    }

    private static let strangeArgument = "an argument that isn't a text"

    private static func engine(_ cmdlets: any CmdletSource) -> NativeEngine {
        NativeEngine(sources: [cmdlets], showsLayouts: false)
    }

    private static func values(of command: PowerShellCommand) -> [String: String]? {
        var values: [String: String] = [:]
        for (name, value) in command.parameters {
            guard case .json(.string(let text)) = value else { return nil }
            values[name] = text
        }
        return values
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
