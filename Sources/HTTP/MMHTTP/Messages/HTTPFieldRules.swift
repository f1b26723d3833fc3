/// The characters allowed in a message's first line and headers, so that no value can start a new line or a new
/// request.
package enum HTTPFieldRules {
    /// Returns whether the text is a token: a method or a header name (RFC 9110, section 5.6.2).
    package static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isTokenByte)
    }

    /// Returns whether the text is a valid header value: no control character but tab (RFC 9110, section 5.5).
    package static func isFieldValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
    }

    /// Returns a description of the first header field that must not be sent; nil if all are valid.
    static func fault(in headers: HTTPHeaders) -> String? {
        for field in headers {
            guard isToken(field.name) else {
                return "The header name “\(printable(field.name))” is not a token."
            }
            guard isFieldValue(field.value) else {
                return "The value of header \(field.name) contains a control character."
            }
        }
        return nil
    }

    /// Returns the first 64 characters of a text, with everything but printable ASCII replaced.
    static func printable(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(64).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7F ? Character(scalar) : "?"
        }
        return String(shown)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
