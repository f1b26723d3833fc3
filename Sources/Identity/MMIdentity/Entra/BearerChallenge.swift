/// The `Bearer` challenge of a refused request (RFC 9110, section 11.6.1; RFC 6750, section 3).
package struct BearerChallenge: Sendable, Hashable {
    /// The error code, such as `invalid_token` or `insufficient_claims`.
    package let error: String?
    /// The claims that a new token must carry, as JSON.
    package let claims: String?

    /// Parses challenges and picks the first with claims, otherwise the first.
    /// - Parameter values: the value of each `WWW-Authenticate` header; each may hold several challenges.
    package init?(_ values: [String]) {
        let challenges = values.flatMap(Self.challenges).filter { $0.scheme == "bearer" }
        guard let chosen = challenges.first(where: { $0.parameters["claims"] != nil }) ?? challenges.first else {
            return nil
        }
        error = chosen.parameters["error"]
        claims = chosen.parameters["claims"].flatMap { text in
            // Some services send the JSON itself.
            Claims.decoded(challenge: text) ?? Claims.merged(nil, text)
        }
    }

    private struct Challenge {
        let scheme: String
        var parameters: [String: String] = [:]
    }

    /// Parses a header's value: `scheme token68?` or `scheme name=value, name="quoted, value"`, several separated by
    /// commas.
    private static func challenges(_ value: String) -> [Challenge] {
        var found: [Challenge] = []
        var rest = Array(value.unicodeScalars)[...]
        func skip(_ isSkipped: (Unicode.Scalar) -> Bool) {
            while let first = rest.first, isSkipped(first) { rest.removeFirst() }
        }
        func word() -> String {
            var text = String.UnicodeScalarView()
            while let first = rest.first, first != " ", first != "\t", first != ",", first != "=", first != "\"" {
                text.append(first)
                rest.removeFirst()
            }
            return String(text)
        }
        while !rest.isEmpty {
            skip { $0 == " " || $0 == "\t" || $0 == "," }
            let name = word()
            if name.isEmpty {
                // Skip a stray character, so that a malformed header doesn't cause an endless loop.
                if !rest.isEmpty { rest.removeFirst() }
                continue
            }
            skip { $0 == " " || $0 == "\t" }
            guard rest.first == "=" else {
                found.append(Challenge(scheme: name.lowercased()))
                continue
            }
            rest.removeFirst()
            skip { $0 == " " || $0 == "\t" }
            let text = rest.first == "\"" ? quoted() : word() + padding()
            if !found.isEmpty { found[found.count - 1].parameters[name.lowercased()] = text }
        }
        return found

        func quoted() -> String {
            rest.removeFirst()
            var quoted = String.UnicodeScalarView()
            while let first = rest.first, first != "\"" {
                rest.removeFirst()
                if first == "\\", let next = rest.first {
                    rest.removeFirst()
                    quoted.append(next)
                } else {
                    quoted.append(first)
                }
            }
            if !rest.isEmpty { rest.removeFirst() }
            return String(quoted)
        }

        /// Reads base64 padding, whose `=` otherwise separates name and value.
        func padding() -> String {
            var text = ""
            while rest.first == "=" {
                text += "="
                rest.removeFirst()
            }
            return text
        }
    }
}
