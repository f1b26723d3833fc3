extension GraphPathTable {
    /// What `look` says of the first template along these steps that it knows.
    func search<Found>(_ steps: [PathStep], look: (GraphTemplate) -> Found?) -> Found? {
        let template = chain([], steps[...]) { $0.isDisjoint(with: .all) ? nil : true }
        var found: Found?
        _ = chain([], steps[...]) { (_: Kinds, node: UInt32, path: [Bool]) -> Bool? in
            // A key where the template has a literal is another call.
            if let template, zip(template, path).contains(where: { !$0 && $1 }) { return nil }
            found = look(GraphTemplate(number: node))
            return found == nil ? nil : true
        }
        return found
    }

    /// Whether each step went over a key, along the first path that `accepts` takes.
    private func chain(_ taken: [Bool], _ steps: ArraySlice<PathStep>, accepts: (Kinds) -> Bool?) -> [Bool]? {
        chain(taken, steps) { kinds, _, _ in accepts(kinds) }
    }

    private func chain(
        _ taken: [Bool], _ steps: ArraySlice<PathStep>, node: UInt32 = 0,
        accepts: (Kinds, UInt32, [Bool]) -> Bool?
    ) -> [Bool]? {
        guard let step = steps.first else {
            return accepts(flags(node), node, taken) == nil ? nil : taken
        }
        for name in spellings(of: step) {
            guard let child = child(of: node, named: name.text) else { continue }
            if let found = chain(taken + [false], steps.dropFirst(), node: child, accepts: accepts) { return found }
        }
        guard let key = key(below: node), step.isKeyLike else { return nil }
        return chain(taken + [true], steps.dropFirst(), node: key, accepts: accepts)
    }
}
