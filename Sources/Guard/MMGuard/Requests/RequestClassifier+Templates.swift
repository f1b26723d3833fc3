internal import MMCore

extension RequestClassifier {
    /// Searches the templates that a request to Graph may refer to, most likely first, for what another table says
    /// about one.
    /// - Parameters:
    ///   - target: the request.
    ///   - parts: the parts of the other table, in order of priority.
    ///   - look: returns what a part says about a template; `nil` to try the next one.
    func search<Part, Found>(
        _ target: RequestTarget, in parts: [Part], look: (GraphTemplate, Part) -> Found?
    ) -> Found? {
        guard target.service == .graph else { return nil }
        let readings = PathReader.readings(of: target.segments)
        // As written; then without the service's own last words; then without casts.
        for shorten in [0, 1, 2] {
            for reading in readings {
                var steps = reading
                if shorten > 0, let last = steps.last, ["$count", "$ref", "$value"].contains(last.name) {
                    steps.removeLast()
                }
                if shorten > 1 {
                    steps.removeAll { if case .qualified = $0.kind { true } else { false } }
                }
                guard shorten == 0 || steps != reading else { continue }
                for part in parts {
                    for form in PathRewrites.forms(of: steps) {
                        if let found = paths.search(form, look: { look($0, part) }) { return found }
                    }
                }
            }
        }
        return nil
    }
}
