package import FoundationEssentials
import MMCore

extension Date: DecodableFromText {
    package init?(decoding text: String) {
        guard let timestamp = Timestamp(iso8601: text) else { return nil }
        self.init(timestamp)
    }
}

extension URL: DecodableFromText {
    package init?(decoding text: String) { self.init(string: text) }
}

extension Data: DecodableFromText {
    package init?(decoding text: String) { self.init(base64Encoded: text) }
}
