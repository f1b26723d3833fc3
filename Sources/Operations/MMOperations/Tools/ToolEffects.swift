import MMCore
package import MMGuard

/// The effects of a tool according to the guard, judged from its definition with placeholder values.
package struct ToolEffects: Sendable {
    private let engine: GuardEngine
    private static let standIn: JSONValue = "00000000-0000-0000-0000-000000000000"

    package init(_ engine: GuardEngine) { self.engine = engine }

    /// Returns the effects of a whole tool.
    package func effects(of definition: ToolDefinition) -> OperationDeclaration.Effects {
        let verdicts = verdicts(of: definition)
        let reads = definition.isReadOnly || verdicts.allSatisfy(Self.reads)
        let destroys = !reads && verdicts.contains(where: Self.destroys)
        return .init(readOnly: reads, destructive: destroys, openWorld: true)
    }

    /// Whether a step only reads.
    /// - Parameter parameters: the parameters of its tool.
    func reads(_ step: ToolStep, parameters: [ToolParameter]) -> Bool { Self.reads(verdict(of: step, parameters)) }

    private func verdicts(of definition: ToolDefinition) -> [Verdict?] {
        switch definition.work {
        case .steps(let steps, _): steps.map { verdict(of: $0, definition.parameters) }
        case .script(let text, let module): [judged(text, in: module)]
        case .cmdlet(let name, let module): [judged(name, in: module)]
        case .cmdlets: [nil]
        }
    }

    /// Returns the verdict on a step with placeholder values; `nil` for one whose address these can't fill.
    /// - Parameter parameters: the parameters of its tool.
    func verdict(of step: ToolStep, _ parameters: [ToolParameter], policy: GuardPolicy = .standard) -> Verdict? {
        switch step.action {
        case .command(let command): return judged(command.text(for: parameters), in: command.module, policy)
        case .request(let request):
            var stand = ToolScope(parameters: [:])
            for reference in step.references {
                stand.parameters[reference.root] = Self.nested(reference.members[...], days: reference.change != nil)
            }
            stand.item = stand.parameters["item"]
            guard let path = try? request.path.path(in: stand) else { return nil }
            let target = try? RequestTarget(parsing: path, service: request.resource.service(of: path))
            let body = try? request.body?.json(in: stand)
            guard let target else { return nil }
            return engine.judge(
                GuardedRequest(method: request.method, target: target, body: body.map { .json($0) } ?? .none),
                policy: policy)
        }
    }

    private static func nested(_ members: ArraySlice<String>, days: Bool) -> JSONValue {
        guard let first = members.first else { return days ? 1 : standIn }
        return .object([first: nested(members.dropFirst(), days: days)])
    }

    private func judged(_ script: String, in module: String, _ policy: GuardPolicy = .standard) -> Verdict {
        engine.judge(script: script, in: ScriptContext(module: module), policy: policy)
    }

    private static func reads(_ verdict: Verdict?) -> Bool {
        guard let verdict else { return false }
        return verdict.decision == .allow && verdict.classes.strictest == .read
    }

    /// Whether a verdict is for something destructive; a step that the guard can't judge counts as such.
    private static func destroys(_ verdict: Verdict?) -> Bool {
        guard let verdict else { return true }
        switch verdict.classes.strictest {
        case .destructive, .privilege, .session: return true
        case .read: return verdict.decision != .allow
        case .write, .subscription, .send, .external, .secret: return false
        }
    }
}
