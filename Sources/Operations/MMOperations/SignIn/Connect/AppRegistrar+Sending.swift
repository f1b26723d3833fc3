import MMCore
import MMGraph

extension AppRegistrar {
    /// Why a plan wasn't carried out to its end.
    struct Stop: Error {
        let error: MMError
        /// What stands in the tenant now, step by step.
        let done: [String]
        /// The app, where it was made.
        let appID: String?
    }

    /// Sends the steps of a plan in order.
    /// - Returns: the id of the app, and what a new service turned out not to offer.
    /// - Throws: `Stop` with what was done before the step that failed. Nothing is taken back: the next run goes on there.
    func carryOut(
        _ plan: RegistrationPlan, report: @Sendable (String) -> Void
    ) async throws(Stop) -> (appID: String, unavailable: [String]) {
        var known = plan.known
        var done: [String] = []
        var unavailable: [String] = []
        for step in plan.steps {
            report(step.purpose)
            do throws(MMError) {
                var missing: [String] = []
                let body = Self.filled(step.body, known, missing: &missing)
                unavailable += missing
                let answer = try await send(step, body, isFresh: step.body != body)
                switch step.yields {
                case .nothing: break
                case .application: known[RegistrationPlan.appID] = answer["appId"]?.string
                case .principal: known[RegistrationPlan.principal] = answer["id"]?.string
                case .service(let service): note(answer, of: service, in: &known)
                }
                done.append(step.purpose)
            } catch {
                throw Stop(error: error, done: done, appID: known[RegistrationPlan.appID])
            }
        }
        guard let appID = known[RegistrationPlan.appID] else {
            throw Stop(
                error: MMError(.remoteFailed, "The directory did not say which id the new app has."), done: done,
                appID: nil)
        }
        return (appID, unavailable)
    }

    /// - Parameter isFresh: whether the request names what was made a moment ago, which not every server knows yet.
    private func send(_ step: RegistrationPlan.Step, _ body: JSONObject, isFresh: Bool) async throws(MMError)
        -> JSONValue
    {
        let target = try client.target(step.endpoint)
        let request = try GraphRequest(method: step.method, target: target, json: .object(body))
        for wait in [2, 4, 8, 16, 30] where isFresh {
            do throws(MMError) {
                return try await answer(request)
            } catch {
                guard Self.isUnknownYet(error) else { throw error }
                do { try await pause(.seconds(wait)) } catch {
                    throw MMError(.cancelled, "The registration was cancelled.")
                }
            }
        }
        return try await answer(request)
    }

    private func answer(_ request: GraphRequest) async throws(MMError) -> JSONValue {
        // Whatever can't be noted is no reason to stop in the middle of a registration.
        var notes: [String] = []
        let answer = try await watch.sending(await watch.writes([request]), notes: &notes) { () async throws(MMError) in
            try await client.send(request, deadline: .after(.seconds(120)))
        }
        return answer.body.isEmpty ? .null : try answer.json()
    }

    private static func isUnknownYet(_ error: MMError) -> Bool {
        let message = error.details["serviceMessage"]?.string ?? ""
        return error.code == .notFound || message.contains("does not reference a valid application object")
            || message.contains("does not exist")
    }

    /// A body with values in place of the names in braces. Permissions that a service turned out not to have are left out.
    private static func filled(_ body: JSONObject, _ known: [String: String], missing: inout [String]) -> JSONObject {
        var filled: JSONObject = [:]
        for (name, value) in body { filled[name] = Self.filled(value, known, missing: &missing) ?? .null }
        return filled
    }

    private static func filled(_ value: JSONValue, _ known: [String: String], missing: inout [String]) -> JSONValue? {
        switch value {
        case .string(let text) where text.hasPrefix("{") && text.hasSuffix("}"):
            guard let known = known[text] else {
                missing.append(String(text.dropFirst().dropLast()))
                return nil
            }
            return .string(known)
        case .array(let items):
            var kept: [JSONValue] = []
            for item in items { if let item = filled(item, known, missing: &missing) { kept.append(item) } }
            return .array(kept)
        case .object(let members):
            var object: JSONObject = [:]
            for (name, member) in members {
                guard let member = filled(member, known, missing: &missing) else { return nil }
                object[name] = member
            }
            return .object(object)
        default: return value
        }
    }
}
