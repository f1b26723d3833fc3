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

    /// The template of a request; nil for one that deploys nothing.
    init?(_ request: DescribedRequest) {
        guard request.place.service == .resource(.arm), request.method == "PUT" else { return nil }
        let path = request.target.prefix { $0 != "?" }
        let parts = (PercentCoding.decode(path.utf8) ?? String(path)).lowercased().split(separator: "/")
        guard parts.count > 2, parts[parts.count - 3] == "microsoft.resources",
            ["deployments", "deploymentstacks"].contains(parts[parts.count - 2])
        else { return nil }
        let body = try? JSONParser.parse(request.body.seen)
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

    /// The value of an audit line.
    package var json: JSONValue {
        var object: JSONObject = ["resources": .array(resources.map { .string($0) })]
        object["sha256"] = digest.map { .string($0) }
        object["link"] = link.map { .string($0) }
        if furtherResources > 0 { object["furtherResources"] = .int(Int64(furtherResources)) }
        return .object(object)
    }
}
