internal import MMCore

/// Evaluates the headers `Accept` and `Content-Type` (RFC 9110, sections 12.5.1 and 8.3).
package enum MediaTypes {
    /// Returns the offered type that the client prefers, the earliest of equals; `nil` when it accepts none.
    /// - Parameters:
    ///   - offered: the available types, default first.
    ///   - headers: the request's headers.
    package static func best(of offered: [String], for headers: HTTPHeaders) -> String? {
        guard let accept = headers["Accept"], !accept.isEmpty else { return offered.first }
        let ranges = accept.split(separator: ",").prefix(64).map { Range($0) }
        var best: (type: String, quality: Double)?
        for type in offered {
            // The most specific range decides, regardless of its position.
            guard let range = ranges.filter({ $0.matches(type) }).max(by: { $0.exactness < $1.exactness }),
                range.quality > 0, range.quality > (best?.quality ?? 0)
            else { continue }
            best = (type, range.quality)
        }
        return best?.type
    }

    /// Returns whether a client accepts this very type by name.
    package static func names(_ type: String, in headers: HTTPHeaders) -> Bool {
        (headers["Accept"] ?? "").split(separator: ",").prefix(64).map { Range($0) }
            .contains { $0.type == type && $0.quality > 0 }
    }

    /// Returns whether a `Content-Type` declares JSON in UTF-8.
    package static func isJSON(_ contentType: String) -> Bool {
        let parts = contentType.split(separator: ";").map { $0.trimmedOfSpacesAndTabs.lowercased() }
        guard parts.first == "application/json" else { return false }
        return parts.dropFirst().allSatisfy { part in
            !part.hasPrefix("charset=") || ["utf-8", "\"utf-8\""].contains(String(part.dropFirst(8)))
        }
    }

    private struct Range {
        let type: String
        let quality: Double

        init(_ text: Substring) {
            let parts = text.split(separator: ";").map { $0.trimmedOfSpacesAndTabs.lowercased() }
            type = parts.first ?? ""
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }
            let number = weight.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            quality = number.isFinite ? min(max(number, 0), 1) : 0
        }

        func matches(_ other: String) -> Bool {
            type == other || type == "*/*"
                || (type.hasSuffix("/*") && other.hasPrefix(type.dropLast()))
        }

        var exactness: Int { type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : 2 }
    }
}
