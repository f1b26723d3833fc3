import MMCore
package import MMNative
package import MMPowerShell
package import PowerShellSyntax

/// Makes the native engine the evaluator of a stand-in: one session, whose variables persist from command to command.
package actor NativeEvaluator: ScriptEvaluator {
    private let engine: NativeEngine
    private var session = NativeSession()

    /// Creates an evaluator for an engine.
    package init(engine: NativeEngine = NativeEngine(showsLayouts: false)) { self.engine = engine }

    /// Runs a script; `nil` for one beyond the engine's language, or whose output can't be formatted with certainty.
    package func evaluate(
        _ command: PowerShellCommand, emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> CommandEnd? {
        guard let values = Self.values(of: command) else { return nil }
        var trial = session
        guard case .completed(let result) = await engine.run(command.script, values: values, in: &trial),
            let objects = records(of: result.objects, for: command)
        else { return nil }
        if !command.isLocal { session = trial }
        for object in objects { emit(object) }
        for warning in result.warnings { emit(PowerShellRecord(.warning, .string(warning))) }
        for error in result.errors {
            emit(PowerShellRecord(.error, ["message": .string(error.message), "id": .string(error.id)]))
        }
        guard let failure = result.failure else { return CommandEnd(.completed) }
        return CommandEnd(.failed, failure: CommandFailure(message: failure.message, id: failure.id))
    }

    /// Whether a script's form is within the engine's language.
    package nonisolated func mayEvaluate(_ script: ParsedScript, _ command: PowerShellCommand) -> Bool {
        guard let values = Self.values(of: command) else { return false }
        return engine.unsupportedReason(script, values: values, in: NativeSession()) == nil
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
            return PSValue.lines(of: objects, width: command.width ?? 200)?.map { PowerShellRecord(.text, .string($0)) }
        }
        var records: [PowerShellRecord] = []
        for object in objects {
            guard let value = object.convertedToJSON(depth: command.depth ?? 3) else { return nil }
            records.append(PowerShellRecord(.output, value))
        }
        return records
    }
}
