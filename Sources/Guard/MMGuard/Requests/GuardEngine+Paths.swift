package import MMCore

/// The tree of paths, for those who advise on a request before it is judged.
extension GuardEngine {
    /// The template that a request names in its version, and whether `/$count` follows; `nil` when no table knows it.
    package func template(of target: RequestTarget) -> (template: GraphTemplate, isCounted: Bool)? {
        guard target.service == .graph else { return nil }
        let readings = PathReader.readings(of: target.segments)
        return RequestClassifier(tables: tables).likeliestMatch(of: readings, target).map {
            (GraphTemplate(number: $0.match.node), $0.match.isCounted)
        }
    }

    /// The ways to write a path, the path itself first, each as steps in small letters.
    package func forms(of target: RequestTarget) -> [[GraphPathStep]] {
        guard target.service == .graph else { return [] }
        return PathReader.readings(of: target.segments).flatMap { PathRewrites.forms(of: $0) }
            .map { $0.map(GraphPathStep.init) }
    }

    /// The names that may follow, in small letters, each with where it leads.
    package func children(of template: GraphTemplate) -> [(name: String, template: GraphTemplate)] {
        tables.paths.children(of: template.number).map { ($0.name, GraphTemplate(number: $0.node)) }
    }

    /// What follows under the names that a step may be written with.
    package func child(of template: GraphTemplate, at step: GraphPathStep) -> GraphTemplate? {
        tables.paths.spellings(of: step.step).lazy
            .compactMap { tables.paths.child(of: template.number, named: $0.text) }.first
            .map(GraphTemplate.init(number:))
    }

    /// What follows under a key.
    package func key(below template: GraphTemplate) -> GraphTemplate? {
        tables.paths.key(below: template.number).map(GraphTemplate.init(number:))
    }

    /// Whether a path may end there, in beta or in v1.0.
    package func isTemplate(_ template: GraphTemplate, inBeta: Bool) -> Bool {
        !tables.paths.flags(template.number).isDisjoint(
            with: inBeta ? [.beta, .permissionBeta] : [.v1, .permissionV1])
    }
}
