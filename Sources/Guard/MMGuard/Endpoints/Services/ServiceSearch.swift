package import MMCore

/// Finds the calls of services beside Microsoft Graph that a question asks for.
///
/// A call fits when the question has all words of one of its names: what is called flow, vault or subscription means these
/// services, and anything else is left to `EndpointSearch`.
package struct ServiceSearch: Sendable {
    private let words = EndpointIndex.standard.words

    /// A call that was found, with how well it fits.
    package struct Hit: Sendable {
        /// The call.
        package let call: ServiceCall
        /// How much of the question it answers; 1 for all.
        package let score: Float
    }

    /// A search.
    package init() {}

    /// The calls that fit best, best first.
    /// - Parameters:
    ///   - question: words, in any case.
    ///   - limit: how many.
    ///   - method: only calls with this method.
    ///   - services: only calls of these, and then also those whose names the question doesn't have, behind the others.
    package func find(
        _ question: String, limit: Int, method: String? = nil, among services: [RequestService]? = nil
    ) -> [Hit] {
        var weights: [String: Float] = [:]
        for stem in ServiceCallTable.stems(of: question) {
            // Verbs say little, unless a name has them.
            weights[stem] = words.row(of: stem).map { words.method($0) != 0 } == true ? 0.3 : 1
        }
        let total = weights.values.reduce(0, +)
        guard total > 0 else { return [] }
        let method = method?.uppercased()
        // Who asks for a method has said its verb; reading has none of its own.
        let said = method == "GET" ? nil : EndpointIndex.methods.first { $0.name == method }?.bit
        func isAsked(_ word: String) -> Bool {
            weights[word] != nil || said != nil && words.row(of: word).map(words.method) == said
        }
        var hits: [Hit] = []
        for call in ServiceCallTable.calls {
            guard method == nil || method == call.method, services?.contains(call.service) ?? true else { continue }
            var score: Float = 0
            for name in call.phrases {
                let shared = name.filter(isAsked)
                let covered = shared.reduce(0) { $0 + weights[$1, default: 0] } / total
                // Part of a name is enough where the service is named.
                score = max(score, shared.count == name.count ? covered : services == nil ? 0 : covered / 2)
            }
            if score > 0 || services != nil { hits.append(Hit(call: call, score: score)) }
        }
        let sorted = hits.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        return sorted.prefix(limit).map(\.element)
    }
}
