import MMCore
import MMDesk
import MMGuard

/// The requests that give a tenant its own app registration, or complete one. Empty where nothing is missing.
///
/// A later request may need what an earlier one makes: its body then holds a name in braces, `{application id}`, in place
/// of the value.
struct RegistrationPlan: Sendable {
    /// One request.
    struct Step: Sendable {
        /// What it is for, as a person reads it.
        let purpose: String
        let method: String
        let endpoint: String
        let body: JSONObject
        /// What its answer makes known.
        let yields: Yield

        /// What later steps need of an answer.
        enum Yield: Sendable, Hashable {
            case nothing
            case application
            case principal
            case service(ServiceApp)
        }
    }

    /// What kind of thing it is, in a few words.
    var title = "register an app in the tenant"
    /// What the app gets, a line a service, and for whom.
    var grants: [String] = []
    var steps: [Step] = []
    /// The values for names in braces that are known already.
    var known: [String: String] = [:]
    /// What the chosen uses need but the tenant's services don't offer.
    var unavailable: [String] = []

    /// The name for the id that clients sign in with.
    static let appID = "{application id}"
    /// The name for the id of the app's service principal.
    static let principal = "{service principal}"

    /// The name for a service's principal.
    static func service(_ service: ServiceApp) -> String { "{\(service.title)}" }
    /// The name for the id of a service's permission.
    static func permission(_ name: String, of service: ServiceApp) -> String { "{\(service.title): \(name)}" }

    /// What a person reads before a yes: what the app gets, then what is done.
    var text: String {
        (grants + steps.enumerated().map { "\($0.offset + 1). \($0.element.purpose)" }).joined(separator: "\n")
    }

    /// Every request as it is sent, with names in braces for ids that only come to be.
    var exactText: String {
        steps.enumerated().map { number, step in
            "\(number + 1). \(step.method) \(step.endpoint)\n\(JSONWriter.string(.object(step.body), layout: .indented(2)))"
        }.joined(separator: "\n")
    }

    /// What the guard says of all of it. A person is always asked: an app registration decides what may be done in their name.
    func verdict(_ client: GuardedClient, _ engine: GuardEngine, _ policy: GuardPolicy) throws(MMError) -> Verdict? {
        var verdicts: [Verdict] = []
        for step in steps {
            let request = GuardedRequest(
                method: step.method, target: try client.target(step.endpoint), body: .json(.object(step.body)))
            verdicts.append(engine.judge(request, policy: policy))
        }
        let reason = "It decides what an app may do in somebody's name."
        return Verdict.joined(verdicts)?.asking(by: "app-registration", because: reason).explained(by: reason)
    }
}
