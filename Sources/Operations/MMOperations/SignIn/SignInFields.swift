import MMCore
import MMIdentity

extension InputField {
    /// The connection of a call.
    static func connection(isRequired: Bool = true) -> InputField {
        InputField(
            "connection", .text, "Name of the connection, as `connections` lists it.", isRequired: isRequired,
            at: .positional(0)
        )
    }

    /// The service whose token is meant.
    static let signInResource = InputField(
        "resource", .text,
        "First service: graph (default), flow, azure, powerplatform, sharepoint, exchange, an address, or an API.",
        isOfferedToModels: false
    )
}

extension InputReader {
    /// The way to sign in that a person asks for with `browser` or `deviceCode`; nil for that of the connection's entry.
    func signInWay() throws(MMError) -> SignInMethod? {
        switch (try flag("browser"), try flag("deviceCode")) {
        case (false, false): return nil
        case (true, false): return .browser
        case (false, true): return .deviceCode
        case (true, true):
            throw MMError(
                .invalidInput, "`browser` and `deviceCode` are two ways to sign in.", hint: "Choose one.",
                details: ["field": "browser"])
        }
    }

}
