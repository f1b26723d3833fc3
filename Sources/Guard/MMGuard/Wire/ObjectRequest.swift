internal import MMCore

/// A request to SharePoint's object interface (`ProcessQuery`), as the steps that it takes.
///
/// A step's path names the objects from which it is reached, as the REST interface would: `web/lists/getbytitle/deleteobject`.
struct ObjectRequest: Sendable, Hashable {
    /// One step that may do something.
    struct Step: Sendable, Hashable {
        /// `POST` for a method that is called, `PATCH` for a property that is set.
        let method: RequestMethod
        /// The names that lead to it, in lower case, its own last.
        let path: [String]
        /// The texts that name what it works on.
        let names: [String]
    }

    /// The steps, each kind of step once.
    private(set) var steps: [Step] = []

    private static let mostSteps = 500
    private var paths: [String: XMLElement] = [:]

    /// The steps of a body; nil when anything in it can't be read.
    init?(_ bytes: [UInt8]) {
        guard let root = XMLReader.read(bytes), root.name == "Request", let actions = root.only("Actions"),
            let objects = root.only("ObjectPaths"), root.children.count == 2
        else { return nil }
        for object in objects.children {
            guard let id = object.attributes["Id"], paths[id] == nil else { return nil }
            paths[id] = object
        }
        for object in objects.children {
            guard let path = path(of: object, depth: 0) else { return nil }
            switch object.name {
            case "Method", "StaticMethod": add(.post, path, object)
            case "Property", "StaticProperty", "Identity", "Constructor": break
            default: return nil
            }
        }
        guard read(actions, depth: 0), steps.count <= Self.mostSteps else { return nil }
    }

    private mutating func add(_ method: RequestMethod, _ path: [String], _ element: XMLElement) {
        let step = Step(method: method, path: path, names: Self.names(in: element) + Self.names(in: element, of: paths))
        if !steps.contains(step) { steps.append(step) }
    }

    /// Reads the actions; false when one of them is none that is known.
    private mutating func read(_ actions: XMLElement, depth: Int) -> Bool {
        guard depth < 16, steps.count <= Self.mostSteps else { return false }
        for action in actions.children {
            switch action.name {
            case "ObjectPath", "ObjectIdentityQuery", "Query": continue
            case "Method", "SetProperty":
                guard let name = action.attributes["Name"], let id = action.attributes["ObjectPathId"],
                    let object = paths[id], let path = path(of: object, depth: 0)
                else { return false }
                add(action.name == "Method" ? .post : .patch, path + [name.asciiLowercased], action)
            case "StaticMethod", "SetStaticProperty":
                guard let path = path(of: action, depth: 0) else { return false }
                add(action.name == "StaticMethod" ? .post : .patch, path, action)
            case "ExceptionHandlingScope", "ExceptionHandlingScopeSimple", "ConditionalScope", "TryScope", "CatchScope",
                "FinallyScope", "IfTrueScope", "IfFalseScope":
                guard read(action, depth: depth + 1) else { return false }
            case "Test" where depth > 0: continue
            default: return false
            }
        }
        return true
    }

    /// The names that lead to an object; nil when they go in circles or are not told.
    private func path(of object: XMLElement, depth: Int) -> [String]? {
        guard depth < 64 else { return nil }
        switch object.name {
        case "StaticProperty", "StaticMethod", "SetStaticProperty":
            guard let name = object.attributes["Name"], let type = object.attributes["TypeId"] else { return nil }
            return [Self.type(type), name.asciiLowercased].compactMap(\.self)
        case "Constructor":
            guard let type = object.attributes["TypeId"] else { return nil }
            return [Self.type(type) ?? "type"]
        case "Identity":
            let name = object.attributes["Name"]?.asciiLowercased ?? ""
            return [name.contains("tenant") || name.contains("siteproperties") ? "tenant" : "object"]
        default:
            guard let name = object.attributes["Name"], let id = object.attributes["ParentId"], let parent = paths[id],
                let front = path(of: parent, depth: depth + 1)
            else { return nil }
            return front + [name.asciiLowercased]
        }
    }

    /// The word for a type that decides what its members do; nil for the context, from which everything is reached.
    private static func type(_ id: String) -> String? {
        switch id.asciiLowercased.filter({ $0 != "{" && $0 != "}" }) {
        case "3747adcd-a3c3-41b9-bfab-4a64dd2f1e0a": nil
        case "268004ae-ef6b-4e9b-8425-127220d84719", "e45fd516-a408-4ca4-b6dc-268e2f1f0f83": "tenant"
        default: "type"
        }
    }

    /// The texts among an element's parameters.
    private static func names(in element: XMLElement) -> [String] {
        var found: [String] = []
        var open = [element]
        while let next = open.popLast(), found.count < 20 {
            if next.attributes["Type"] == "String" || next.attributes["Type"] == "Guid", !next.text.isEmpty {
                found.append(next.text)
            }
            open += next.children.reversed()
        }
        return found
    }

    /// The texts by which the objects in front were looked up.
    private static func names(in element: XMLElement, of paths: [String: XMLElement]) -> [String] {
        var found: [String] = []
        var next = element.attributes["ObjectPathId"] ?? element.attributes["ParentId"]
        for _ in 0..<64 {
            guard let id = next, let object = paths[id] else { break }
            found += names(in: object)
            next = object.attributes["ParentId"]
        }
        return found
    }
}
