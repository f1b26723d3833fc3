import MMCore
import MMIdentity

extension InputField {
    /// The argument that names the connection of a call.
    static let connection = InputField(
        "connection", .text, "Name, from `connections`.", .at(0))
}

extension SignInMethod {
    /// Returns the sign-in method of the flags `browser` and `deviceCode`; `nil` for the one of the connection's entry.
    static func chosen(_ reader: InputReader) throws(MMError) -> SignInMethod? {
        switch (try reader.flag("browser"), try reader.flag("deviceCode")) {
        case (false, false): return nil
        case (true, false): return .browser
        case (false, true): return .deviceCode
        case (true, true):
            throw MMError(
                .invalidInput, "`browser` and `deviceCode` can't be combined.", hint: "Choose one.",
                details: ["field": "browser"])
        }
    }
}
