package import MMCore
internal import MMHTTP

/// The outcome of a `$batch`, which succeeds as a whole even if some of its requests were throttled or failed.
package struct BatchOutcome: Sendable, Hashable {
    /// A request of the batch that the service throttled or failed to carry out.
    package struct Failure: Sendable, Hashable {
        /// The request's id in the batch.
        package let id: String
        /// The status: 429, 5xx, or 424 for a request that depends on such a one.
        package let status: Int
        /// The wait that the service asks for, if any.
        package let retryAfter: Duration?
    }

    /// The number of responses in the batch.
    package let count: Int
    /// The requests that weren't carried out.
    package let failures: [Failure]

    /// Reads the outcome of a response; `nil` when the request wasn't a batch.
    package init?(_ response: GraphResponse, to request: GraphRequest, now: Timestamp) {
        guard request.method == "POST", request.target.segments.last?.lowercased() == "$batch",
            let answers = (try? JSONParser.parse(response.body))?["responses"]?.array
        else { return nil }
        count = answers.count
        let all = answers.map { answer in
            var headers = HTTPHeaders()
            for (name, value) in answer["headers"]?.object ?? [:] {
                if let text = value.string ?? value.int.map(String.init) { headers.add(name, text) }
            }
            let status = answer["status"]?.int ?? answer["status"]?.string.flatMap { Int($0) } ?? 0
            return Failure(
                id: answer["id"]?.string ?? answer["id"]?.int.map(String.init) ?? "?", status: status,
                retryAfter: WaitAdvice(headers, now: now).asked)
        }
        let failed = all.filter { $0.status == 429 || $0.status >= 500 }
        failures = failed.isEmpty ? [] : all.filter { $0.status == 424 || $0.status == 429 || $0.status >= 500 }
    }

    /// The wait before the next request, if any request of the batch was throttled.
    package var throttledFor: Duration? {
        let throttled = failures.filter { $0.status == 429 || ($0.status == 503 && $0.retryAfter != nil) }
        return throttled.isEmpty ? nil : throttled.compactMap(\.retryAfter).max() ?? .seconds(1)
    }

    /// The advice for a person or program; `nil` when there is nothing to do.
    package var advice: String? {
        guard !failures.isEmpty else { return nil }
        let list = failures.prefix(20).map { "\($0.id) (\($0.status))" }.joined(separator: ", ")
        let wait = throttledFor.map { " in \(max(1, $0.components.seconds)) s" } ?? ""
        let unsure = failures.contains { $0.status >= 500 }
        return
            "\(failures.count) of \(count) requests of the batch were not carried out: \(list). Send only these again\(wait)"
            + (unsure ? "; for those with 5xx, check first whether a write was done." : ".")
    }
}
