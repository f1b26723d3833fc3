internal import MMCore

/// A way to sign in, as policies tell them apart.
enum SignInFlow: String, Sendable, CaseIterable {
    /// A code that is typed elsewhere: it says nothing of the device that it was started on.
    case device
    /// A browser of the machine itself.
    case browser
    /// An app by itself.
    case app
}

/// Who tries to sign in, to what and how.
struct SignInAttempt: Sendable {
    let flow: SignInFlow
    let appID: String
    /// What a policy may call the account: its address and its object id, in small letters; the app's id for an app.
    let names: Set<String>
}

/// What a session has shown when it began; its refresh tokens carry it on.
struct SignInSession: Sendable {
    let flow: SignInFlow
    /// When the person signed in.
    let began: Int64
    let device: Surroundings.Device
    let hasSecondFactor: Bool
    let hasExternalStep: Bool
}

/// Where the people of the tenant are, and what they sit at.
struct Surroundings: Sendable {
    /// What the tenant knows of a device.
    enum Device: String, Sendable, CaseIterable {
        case unknown, registered, compliant, joined
    }

    /// The device that browsers run on.
    var device = Device.unknown
    /// The name of the network that requests come from.
    var location = "office"

    /// Changes what a description names.
    /// - Throws: a sentence that says what is wrong with it.
    mutating func change(_ description: JSONObject) throws(PolicyProblem) {
        for (name, value) in description {
            switch (name, value.string) {
            case ("location", let word?) where !word.isEmpty: location = word
            case ("device", let word?):
                guard let known = Device(rawValue: word) else {
                    throw PolicyProblem(
                        "'device' is one of \(Device.allCases.map(\.rawValue).joined(separator: ", ")).")
                }
                device = known
            default: throw PolicyProblem("There are 'device' and 'location', a word each; not '\(name)'.")
            }
        }
    }

    var json: JSONValue { ["device": .string(device.rawValue), "location": .string(location)] }
}
