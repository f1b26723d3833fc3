package import MMCore

/// A pending sign-in, in the earlier servers' terms.
package struct ShownCode: Sendable {
    /// The code that the person enters; the earlier servers called it the device code.
    package let code: String
    /// The page on which the person enters it.
    package let address: String
    /// The instructions in the sign-in service's form.
    package let message: String
    /// The code's expiry, if known.
    private let expiresAt: Timestamp?

    /// Extracts the sign-in from an error; `nil` for other errors or without a code.
    package init?(_ error: MMError) {
        guard error.code == .signInNeeded else { return nil }
        self.init(details: error.details)
    }

    /// Extracts the sign-in from an error's details; `nil` without a code.
    private init?(details: JSONObject) {
        guard let code = details["userCode"]?.string else { return nil }
        self.code = code
        address = details["verificationUri"]?.string ?? Self.page
        expiresAt = details["expiresAt"]?.string.flatMap { Timestamp(iso8601: $0) }
        let before = Self.reason(in: details).map { $0 + " " } ?? ""
        message = before + "To sign in, use a web browser to open \(address) and enter the code \(code)"
    }

    /// Returns why the previous sign-in ended, in a sentence.
    static func reason(in details: JSONObject) -> String? {
        details["reason"]?.string.map { $0.hasSuffix(".") ? $0 : "The last sign-in ended: \($0)." }
    }

    /// Returns the number of seconds for which the code is still valid; 900 if unknown.
    package func secondsLeft(at now: Timestamp) -> Int64 {
        expiresAt.map { max(0, $0.seconds - now.seconds) } ?? 900
    }

    /// The instructions as modules write them.
    package var words: String { "\(message) to authenticate." }

    /// The page for all tenants of the public cloud.
    package static let page = "https://microsoft.com/devicelogin"

    /// The code and the page, highlighted so that they aren't overlooked.
    package var heading: String { "**DEVICE CODE: \(code)**\nGo to: \(address)" }
}
