/// Finds the calls that match a question in an administrator's words.
package struct EndpointSearch: Sendable {
    private let index: EndpointIndex
    private var words: SearchWordTable { index.words }

    /// A call that was found, with its score.
    package struct Hit: Sendable {
        /// The call.
        package let call: OfferedCall
        /// The score; 1 is a perfect match.
        package let score: Float
    }

    /// Creates a search over an index.
    package init(_ index: EndpointIndex = .standard) {
        self.index = index
    }

    private struct Place: Hashable {
        let template: UInt32
        let method: UInt8
        let isCounted: Bool
    }

    /// Returns the calls that match best, best first.
    /// - Parameters:
    ///   - question: words, in any case; typing errors are tolerated.
    ///   - limit: the maximum number of calls.
    ///   - method: only calls with this method.
    ///   - withBeta: whether calls that exist in beta only rank like others; otherwise they come last.
    package func find(_ question: String, limit: Int, method: String? = nil, withBeta: Bool = false) -> [Hit] {
        let question = SearchQuestion(question, words)
        let only = EndpointIndex.methods.first { $0.name == method?.uppercased() }?.bit
        let scores = scores(of: question)
        // A document whose score is far below the best can't catch up through the weight of its method.
        let enough = (scores.max() ?? 0) * 0.4
        guard enough > 0 else { return [] }

        var best: [Place: (score: Float, document: Int)] = [:]
        for (document, score) in scores.enumerated() where score >= enough {
            let row = UInt32(words.documents.u16(UInt32(document), 0))
            var score = score
            let text = index.engine.text(of: index.template(row))
            score -= 0.004 * Float(text.utf8.count { $0 == UInt8(ascii: "/") })
            if index.isBetaOnly(row), withBeta { score *= 1.15 }
            let phrase = index.file.string(words.documents.u32(UInt32(document), 4))
            if !phrase.isEmpty, Self.isInOrder(question.order, phrase) { score *= 1.05 }
            for candidate in candidates(document, row, score, question.method, only) {
                guard best[candidate.place].map({ $0.score < candidate.score }) ?? true else { continue }
                best[candidate.place] = (candidate.score, document)
            }
        }
        let sorted = best.sorted {
            ($1.value.score, $0.value.document, $0.key.template, $0.key.method)
                < ($0.value.score, $1.value.document, $1.key.template, $1.key.method)
        }
        return sorted.prefix(limit).map { place, found in
            var call = index.call(place.template, place.method, counted: place.isCounted)
            let document = UInt32(found.document)
            // The document's example belongs to one method only.
            if words.documents.u8(document, 2) == place.method || (place.method == 1 && isOwn(document, place)) {
                call.example = index.file.string(words.documents.u32(document, 8))
            }
            return Hit(call: call, score: found.score)
        }
    }

    private func isOwn(_ document: UInt32, _ place: Place) -> Bool {
        words.documents.u8(document, 2) == 0 && UInt32(words.documents.u16(document, 0)) == place.template
    }

    /// Returns the score of each document before its method is weighed.
    private func scores(of question: SearchQuestion) -> [Float] {
        var scores = [Float](repeating: 0, count: words.documentCount)
        var norm: Float = 0
        for (text, weight) in question.words {
            guard let row = words.row(of: text) else {
                norm += weight * weight * 81
                continue
            }
            let rarity = words.rarity(row)
            norm += weight * weight * rarity * rarity
            words.forEachPlace(row) { document, impact in scores[document] += weight * impact }
        }
        let length = norm.squareRoot()
        guard length > 0 else { return scores }
        for document in scores.indices { scores[document] /= length }
        return scores
    }

    private func candidates(
        _ document: Int, _ row: UInt32, _ score: Float, _ wanted: UInt8, _ only: UInt8?
    ) -> [(place: Place, score: Float)] {
        let isCounted = words.documents.u8(UInt32(document), 3) == 1
        let own = words.documents.u8(UInt32(document), 2)
        var found: [(place: Place, score: Float)] = []
        func add(_ row: UInt32, _ method: UInt8, _ score: Float) {
            guard only == nil || only == method else { return }
            found.append((Place(template: row, method: method, isCounted: isCounted), score))
        }
        if own != 0 {
            add(row, own, score * MethodFit.ofAct(own, wanted: wanted))
            return found
        }
        let methods = index.methods(of: row)
        for (method, _) in methods {
            add(
                row, method,
                score * MethodFit.ofThing(method, wanted: only ?? wanted, onItem: false, isOnly: methods.count == 1))
        }
        if let key = index.engine.key(below: index.template(row)), let item = index.row(of: key) {
            for (method, _) in index.methods(of: item) {
                add(
                    item, method, score * MethodFit.ofThing(method, wanted: only ?? wanted, onItem: true, isOnly: false)
                )
            }
        }
        return found
    }

    /// Returns whether the words that a question and a phrase share are in the same order in both.
    private static func isInOrder(_ question: [String], _ phrase: String) -> Bool {
        let words = phrase.split(separator: " ").map(String.init)
        let places = question.compactMap { words.firstIndex(of: $0) }
        return places.count >= 2 && zip(places, places.dropFirst()).allSatisfy { $0 <= $1 }
    }
}

/// Weights for how well a method matches the verb of a question.
enum MethodFit {
    private static let (get, post, put, patch): (UInt8, UInt8, UInt8, UInt8) = (1, 2, 4, 8)

    /// Returns the weight for words that describe a single action.
    static func ofAct(_ method: UInt8, wanted: UInt8) -> Float {
        switch wanted {
        case 0: method == get ? 1 : 0.93
        case method: 1
        case get: 0.75
        default: method == get ? 0.75 : 1
        }
    }

    /// Returns the weight for words that describe an object, which can be listed, read, created, changed and deleted.
    static func ofThing(_ method: UInt8, wanted: UInt8, onItem: Bool, isOnly: Bool) -> Float {
        let wanted = wanted == 0 ? get : wanted
        if method == wanted { return method == get && onItem ? 0.93 : 1 }
        if wanted == patch, method == put { return 0.9 }
        if method == get, !onItem { return 0.82 }
        if method == post, !onItem, isOnly, wanted != get { return 0.8 }
        return 0.6
    }
}
