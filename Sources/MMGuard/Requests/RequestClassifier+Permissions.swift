internal import MMCore

extension RequestClassifier {
    /// The least permissions of a request to Graph; nil when the tables know nothing.
    func leastPermissions(_ request: GuardedRequest) -> LeastPermissions? {
        guard request.target.service == .graph else { return nil }
        let method = RequestMethod(written: request.method).bit
        let sections: [GraphPathTable.Section] =
            request.target.version == "beta" ? [.beta, .v1, .other] : [.v1, .other, .beta]
        let readings = PathReader.readings(of: request.target.segments)
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
                for section in sections {
                    for form in PathRewrites.forms(of: steps) {
                        if let found = paths.permissions(form, method: method, section: section) { return found }
                    }
                }
            }
        }
        return nil
    }
}
