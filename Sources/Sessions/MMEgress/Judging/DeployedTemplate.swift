package import MMCore
import MMIdentity

/// The content of an Azure Resource Manager deployment for the audit: the resources that its template creates, and the
/// template's digest or link. It contains no parameter values.
package struct DeployedTemplate: Sendable, Hashable {
    private static let mostResources = 50
    private static let longestText = 200

    /// The SHA-256 digest of the template as compact JSON; `nil` if the template isn't in the request or is too large.
    package let digest: String?
    /// The template's address without its access key, if the template isn't in the request.
    package let link: String?
    /// The type and name of each resource, as written in the template; nested resources follow their parent.
    package private(set) var resources: [String] = []
    /// The number of resources that aren't listed.
    package private(set) var furtherResources = 0

    private static let mostItems = 1_000

    /// Returns the templates that a request deploys: its own, or those of the requests in a batch.
    static func all(of request: DescribedRequest) -> [DeployedTemplate] {
        guard request.place.service == .resource(.arm) else { return [] }
        let parts = segments(of: request.target)
        let isBatch = parts == ["batch"] && request.method == "POST"
        guard isBatch || request.method == "PUT" && isDeployment(parts) else { return [] }
        let body = try? JSONParser.parse(request.body.seen)
        guard isBatch else { return [DeployedTemplate(body)] }
        return (member(["requests"], of: body)?.array ?? []).prefix(mostItems).compactMap { item in
            guard member(["httpmethod"], of: item)?.string?.uppercased() == "PUT",
                let address = member(["url", "relativeurl"], of: item)?.string, isDeployment(segments(of: address))
            else { return nil }
            return DeployedTemplate(member(["content"], of: item))
        }
    }

    /// Returns the first member with one of these names; services ignore the case.
    private static func member(_ names: [String], of value: JSONValue?) -> JSONValue? {
        value?.object?.first { names.contains($0.key.lowercased()) }?.value
    }

    private static func segments(of address: String) -> [String] {
        let path = address.prefix { $0 != "?" }
        return (PercentCoding.decode(path.utf8) ?? String(path)).lowercased().split(separator: "/").map(String.init)
    }

    private static func isDeployment(_ parts: [String]) -> Bool {
        parts.count > 2 && parts[parts.count - 3] == "microsoft.resources"
            && ["deployments", "deploymentstacks"].contains(parts[parts.count - 2])
    }

    /// Reads the template in a deployment's body.
    private init(_ body: JSONValue?) {
        let properties = body?["properties"]
        link = properties?["templateLink"]?["uri"]?.string.map { text in
            String(text.prefix { $0 != "?" }.prefix(Self.longestText))
        }
        guard let template = properties?["template"], !template.isNull else {
            digest = nil
            return
        }
        digest = Hex.text(SHA256.digest(JSONWriter.bytes(template)))
        add(template["resources"])
    }

    /// Adds resources from a list, or from an object that maps names to resources.
    private mutating func add(_ list: JSONValue?) {
        for resource in list?.array ?? list?.object?.map(\.value) ?? [] {
            let text = [resource["type"], resource["name"]].compactMap { $0?.string }.joined(separator: " ")
            if resources.count < Self.mostResources {
                resources.append(String(text.prefix(Self.longestText)))
            } else {
                furtherResources += 1
            }
            add(resource["resources"])
            add(resource["properties"]?["template"]?["resources"])
        }
    }

    /// Returns the value for an audit line: an object for one template, a list for several; `nil` if there is none.
    package static func json(of templates: [DeployedTemplate]) -> JSONValue? {
        templates.count > 1 ? .array(templates.map(\.json)) : templates.first?.json
    }

    private var json: JSONValue {
        var object: JSONObject = ["resources": .array(resources.map { .string($0) })]
        object["sha256"] = digest.map { .string($0) }
        object["link"] = link.map { .string($0) }
        if furtherResources > 0 { object["furtherResources"] = .int(Int64(furtherResources)) }
        return .object(object)
    }
}
