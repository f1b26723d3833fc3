import MMCore

/// The engine as the evaluator of a stand-in: one session, whose variables last from command to command.
package actor NativeEvaluator: PipelineEvaluating {
    private let engine: NativeEngine
    private var session = NativeSession()

    /// An evaluator on an engine.
    package init(engine: NativeEngine = NativeEngine(showsLayouts: false)) { self.engine = engine }

    /// Runs a script that takes no arguments and answers with objects; `nil` for any other, and for one beyond the
    /// engine's language.
    package func evaluate(
        _ command: PowerShellCommand, emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> CommandEnd? {
        guard command.parameters.isEmpty, command.format == .json else { return nil }
        var trial = session
        guard case .completed(let result) = await engine.run(command.script, in: &trial) else { return nil }
        var objects: [JSONValue] = []
        for object in result.objects {
            // What lies deeper becomes the name of its type there, which is not this writer's way.
            guard let json = try? JSONText(object, depth: command.depth ?? 3, isCompressed: true), !json.isTruncated,
                let value = try? JSONParser.parse(json.text)
            else { return nil }
            objects.append(value)
        }
        if !command.isLocal { session = trial }
        for object in objects { emit(PowerShellRecord(.output, object)) }
        for warning in result.warnings { emit(PowerShellRecord(.warning, .string(warning))) }
        for error in result.errors {
            emit(PowerShellRecord(.error, ["message": .string(error.message), "id": .string(error.id)]))
        }
        guard let failure = result.failure else { return CommandEnd(.completed) }
        return CommandEnd(.failed, failure: CommandFailure(message: failure.message, id: failure.id))
    }
}
