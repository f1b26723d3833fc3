import MMCore
import MMMCP

/// How many requests of each caller are under way, streams that only wait for news among them: each holds a connection, and who
/// held them all would keep everybody else out.
final class RequestPlaces: Sendable {
    /// A request's place, which is free again when nothing holds it any more, however the request ended.
    final class Place: Sendable {
        private let places: RequestPlaces
        private let principal: Principal

        fileprivate init(_ places: RequestPlaces, _ principal: Principal) {
            (self.places, self.principal) = (places, principal)
        }

        deinit { places.leave(principal) }
    }

    private let most: Int
    private let taken = Mutex<[Principal: Int]>([:])

    /// No requests yet.
    /// - Parameter most: how many one caller may have.
    init(most: Int) { self.most = most }

    /// Takes a place.
    /// - Returns: `nil` where the caller has as many as one may have.
    func take(_ principal: Principal) -> Place? {
        let isFree = taken.withLock { taken in
            guard taken[principal, default: 0] < most else { return false }
            taken[principal, default: 0] += 1
            return true
        }
        return isFree ? Place(self, principal) : nil
    }

    private func leave(_ principal: Principal) {
        taken.withLock { taken in
            let left = taken[principal, default: 1] - 1
            taken[principal] = left > 0 ? left : nil
        }
    }

    /// The answer to a request that found no place.
    var refusal: MCPHTTPResponse {
        let seconds = 5
        let error = MCPError.tooManyCalls(
            "\(most) of your requests are under way, as many as may at once", seconds: seconds)
        return .error(error, status: 429).with("Retry-After", "\(seconds)")
    }
}
