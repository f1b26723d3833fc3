internal import MMCore
internal import MMHTTP

/// The faults that are switched on.
final class FaultPlan {
    private(set) var faults: [Fault] = []
    private var lastID = 0

    /// The fault that hits a request, used up by one.
    func take(for request: HTTPServerRequest) -> Fault? {
        for place in faults.indices where faults[place].matches(request) {
            if faults[place].skip > 0 {
                faults[place].skip -= 1
                continue
            }
            let fault = faults[place]
            if let remaining = fault.remaining {
                if remaining <= 1 { faults.remove(at: place) } else { faults[place].remaining = remaining - 1 }
            }
            return fault
        }
        return nil
    }

    /// Switches a fault on.
    /// - Throws: a sentence that says what is wrong with its description.
    func add(_ description: JSONObject) throws(FaultProblem) -> Fault {
        lastID += 1
        let known: Set<String> = [
            "kind", "method", "path", "skip", "count", "milliseconds", "status", "retryAfter", "bytes", "account",
            "number", "to", "host", "context", "resource",
        ]
        for name in description.keys where !known.contains(name) {
            throw FaultProblem(
                message: "'\(name)' is not a field of a fault; there are \(known.sorted().joined(separator: ", ")).")
        }
        let word = description["kind"]?.string ?? ""
        func number(_ name: String, _ range: ClosedRange<Int>, default fallback: Int?) throws(FaultProblem) -> Int? {
            guard let value = description[name], !value.isNull else { return fallback }
            guard let number = value.int, range.contains(number) else {
                throw FaultProblem(
                    message: "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            }
            return number
        }
        let path = description["path"]?.string ?? "/"
        guard path.hasPrefix("/") || path.hasPrefix("*") else {
            throw FaultProblem(message: "'path' must begin with a slash or a star.")
        }
        let fault = Fault(
            id: lastID, kind: try kind(word, description, number), word: word,
            method: description["method"]?.string?.uppercased(), path: path,
            skip: try number("skip", 0...1_000_000, default: 0) ?? 0,
            remaining: try number("count", 1...1_000_000, default: nil))
        faults.append(fault)
        return fault
    }

    private func kind(
        _ word: String, _ description: JSONObject,
        _ number: (String, ClosedRange<Int>, Int?) throws(FaultProblem) -> Int?
    ) throws(FaultProblem) -> Fault.Kind {
        switch word {
        case "latency": return .latency(.milliseconds(try number("milliseconds", 0...600_000, 1000) ?? 1000))
        case "throttle": return .status(429, retryAfter: try number("retryAfter", 0...86_400, nil))
        case "status":
            return .status(
                try number("status", 400...599, 500) ?? 500, retryAfter: try number("retryAfter", 0...86_400, nil))
        case "torn": return .torn(try number("bytes", 0...1_000_000_000, 20) ?? 20)
        case "expiredToken": return .expiredToken
        case "claimsChallenge": return .claimsChallenge
        case "challenge": return .challenge(description["context"]?.string ?? "c1")
        case "revoked": return .revoked(description["account"]?.string)
        case "refusedConsent":
            guard let resource = ServedResource(rawValue: description["resource"]?.string ?? "") else {
                throw FaultProblem(
                    message:
                        "'resource' must be one of \(ServedResource.allCases.map(\.rawValue).joined(separator: ", "))."
                )
            }
            return .refusedConsent(resource)
        case "expiredCode": return .expiredCode
        case "wrongAccount": return .wrongAccount(description["account"]?.string ?? TenantIdentity.wrongAccount)
        case "tokenError":
            guard let code = try number("number", 1...99_999_999, nil) else {
                throw FaultProblem(message: "'number' must be that of an AADSTS error.")
            }
            return .tokenError(code)
        case "redirect":
            guard let target = description["to"]?.string, target.hasPrefix("http") else {
                throw FaultProblem(message: "'to' must be the URL to redirect to.")
            }
            return .redirect(target)
        case "endlessPaging": return .endlessPaging
        case "foreignNextLink":
            return .foreignNextLink(description["host"]?.string ?? "https://graph.elsewhere.example")
        case "resync": return .resync
        case "garbage": return .garbage
        default:
            throw FaultProblem(
                message:
                    "'kind' must be one of latency, throttle, status, torn, expiredToken, claimsChallenge, challenge, revoked, refusedConsent, expiredCode, wrongAccount, tokenError, redirect, endlessPaging, foreignNextLink, resync, garbage."
            )
        }
    }

    func clear() { faults = [] }
}

/// What is wrong with the description of a fault.
struct FaultProblem: Error {
    let message: String
}
