package import MMCore
package import MMGraph
package import MMGuard

/// What is carried out by requests.
package protocol RequestAct: Sendable {
    /// Whether a request is what was judged, or a part of it.
    /// - Parameter verdict: what the guard said of the whole.
    func holds(_ request: GraphRequest, under verdict: Verdict) throws(MMError) -> Bool

    /// The first of several requests that is neither; `nil` where all are.
    func stranger(among requests: [GraphRequest], under verdict: Verdict) throws(MMError) -> GraphRequest?
}

extension RequestAct {
    package func stranger(
        among requests: [GraphRequest], under verdict: Verdict
    ) throws(MMError) -> GraphRequest? {
        for request in requests where try !holds(request, under: verdict) { return request }
        return nil
    }
}

/// What is carried out by cmdlets of Exchange.
package protocol CmdletAct: Sendable {
    /// Whether a cmdlet is what was judged, or a part of it.
    /// - Parameters:
    ///   - client: what would send it.
    ///   - verdict: what the guard said of the whole.
    func holds(
        _ command: ExchangeCommand, at client: GuardedExchange, under verdict: Verdict
    ) throws(MMError) -> Bool
}

/// Requests that were judged one by one: exactly these are sent.
extension [GraphRequest]: RequestAct {
    package func holds(_ request: GraphRequest, under verdict: Verdict) -> Bool { contains(request) }

    package func stranger(among requests: [GraphRequest], under verdict: Verdict) -> GraphRequest? {
        // Nearly always all of them, in their order.
        if requests == self { return nil }
        let known = Set(self)
        return requests.first { !known.contains($0) }
    }
}

extension Cleared where Act: RequestAct {
    /// Refuses requests that are no part of what was cleared.
    func check(_ requests: [GraphRequest]) throws(MMError) {
        guard let other = try act.stranger(among: requests, under: verdict) else { return }
        throw notJudged("\(other.method) \(other.target.path)")
    }
}

extension Cleared where Act: CmdletAct {
    /// Refuses a cmdlet that is no part of what was cleared.
    func check(_ command: ExchangeCommand, at client: GuardedExchange) throws(MMError) {
        guard try !act.holds(command, at: client, under: verdict) else { return }
        throw notJudged(command.cmdlet)
    }
}

extension Cleared {
    func notJudged(_ what: String) -> MMError {
        MMError(
            .conflict, "\(what) is not what was judged: it was not sent.",
            hint: "Make the call again, so that the guard sees what is sent.")
    }
}
