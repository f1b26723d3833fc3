internal import MMCore

/// The error of a broker's answer: a status, and a text that may name the sign-in service's own number (AADSTS…).
struct BrokerRefusal: Sendable {
    private let status: String
    private let context: String

    /// Reads the error, which is an object or a text.
    init(_ value: JSONValue) {
        let object = value.object ?? [:]
        let status = object["status"] ?? object["errorCode"]
        self.status = (status?.string ?? status?.int.map(String.init) ?? "").filter(\.isASCII).lowercased()
        let texts = [object["context"], object["message"], object["description"]].compactMap { $0?.string }
        context = value.string ?? texts.joined(separator: " ")
    }

    /// What follows from it.
    var fault: BrokerClient.Fault {
        // The sign-in service's own number says more than the broker's status.
        let told = EntraError(error: "invalid_grant", description: context)
        guard told.codes.isEmpty else { return told.action.needsSignIn ? .needsPerson : .refused(told) }
        // By number and by name, as versions of the broker differ (MSAL's response status).
        switch status {
        case "2", "interactionrequired", "16", "accountnotfound", "13", "accountunusable": return .needsPerson
        case "7", "usercanceled", "8", "applicationcanceled": return .declined
        case "3", "nonetwork", "4", "networktemporarilyunavailable", "5", "servertemporarilyunavailable", "17",
            "transienterror":
            return .unreachable(context.isEmpty ? "it has no network" : String(context.prefix(300)))
        default: return .failed(context.isEmpty ? "its status is \(status.prefix(40))" : String(context.prefix(300)))
        }
    }
}
