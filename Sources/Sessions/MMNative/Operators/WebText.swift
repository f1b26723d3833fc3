import MMCore

/// `[System.Web.HttpUtility]` and `[System.Net.WebUtility]`: text for pages, and back.
enum WebText {
    /// Calls a method.
    static func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> String {
        guard arguments.count == 1, case .string(let text) = arguments[0] else {
            throw .handOver("an unusual text for pages")
        }
        switch method {
        case "htmldecode": return try decoded(text)
        case "htmlencode": return try encoded(text)
        default: throw .handOver("the method \(method) of texts for pages")
        }
    }

    private static let names: [String: String] = [
        "lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'", "nbsp": "\u{A0}",
    ]

    private static func encoded(_ text: String) throws(Interrupt) -> String {
        guard text.isASCII else { throw .handOver("text for pages beyond ASCII") }
        return HTMLText.escaped(text)
    }

    private static func decoded(_ text: String) throws(Interrupt) -> String {
        var decoded = ""
        var rest = text[...]
        while let mark = rest.firstIndex(of: "&") {
            decoded += rest[..<mark]
            let behind = rest[rest.index(after: mark)...]
            guard let end = behind.firstIndex(where: { $0 == ";" || $0 == "&" }), behind[end] == ";" else {
                decoded += "&"
                rest = behind
                continue
            }
            let name = behind[..<end]
            if let known = names[String(name)] {
                decoded += known
            } else if name.first == "#", let scalar = scalar(name.dropFirst()) {
                decoded.unicodeScalars.append(scalar)
            } else {
                guard !name.allSatisfy(\.isLetter) else { throw .handOver("a character of pages by name") }
                decoded += "&\(name);"
            }
            rest = behind[behind.index(after: end)...]
        }
        return decoded + rest
    }

    private static func scalar(_ digits: Substring) -> Unicode.Scalar? {
        let number = digits.first?.lowercased() == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return number.flatMap { $0 > 0 ? Unicode.Scalar($0) : nil }
    }
}
