package import MMCore
import MMIdentity

/// What a deployment of Azure Resource Manager brings, as the audit tells it: what its template makes, and which template it
/// was. Values of parameters are not in it.
package struct DeployedTemplate: Sendable, Hashable {
    private static let mostResources = 50
    private static let longestText = 200

    /// The SHA-256 digest of the template as compact JSON; nil where it lies elsewhere, or is too large to be read.
    package let digest: String?
    /// Where it lies, without the key that opens it, where it is not in the request.
    package let link: String?
    /// The type and name of each of its resources, as they stand there; those within others follow them.
    package private(set) var resources: [String] = []
    /// How many more there are.
    package private(set) var furtherResources = 0

    private static let mostItems = 1_000

    /// The templates that a request deploys: its own, or those of the requests within it.
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

    /// The first member with one of these names, which services read in any case.
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

    /// The template in a deployment's body.
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

    /// Resources are a list, or an object with a name for each.
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

    /// The value of an audit line: of one template an object, of several a list; nil where there is none.
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
