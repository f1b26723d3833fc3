import MMCore
import MMDesk

/// Flows of Power Automate: whether they are started.
extension Change {
    /// Determines what a request to Power Automate would change.
    init(flow request: GraphRequest) {
        let steps = request.target.segments
        let last = steps.last?.lowercased() ?? ""
        let place = steps.dropLast()
        let path = { (steps: ArraySlice<String>) in steps.map { "/" + Self.step($0) }.joined() }
        if request.method == "POST", ["start", "stop"].contains(last), place.dropLast().last?.lowercased() == "flows" {
            self.init(
                .properties, version: "", place: path(place), keys: ["state"], subject: .init(id: place.last ?? ""),
                after: ["state": last == "start" ? "Started" : "Stopped"])
        } else {
            let isDeletion = request.method == "DELETE" && place.last?.lowercased() == "flows"
            self.init(
                .action, version: "", place: path(steps[...]), subject: .init(id: isDeletion ? last : place.last ?? ""),
                obstacle: isDeletion
                    ? "mm does not restore flows; an administrator can for 21 days"
                    : "mm can't undo this \(request.method) request")
        }
        service = .flow
    }

    /// Returns the change with the flow's state before.
    func knowing(flow answer: JSONValue) -> Change {
        guard kind == .properties else { return self }
        var change = self
        let properties = answer["properties"] ?? .null
        change.subject = Subject(id: answer["name"]?.string ?? subject.id, name: properties["displayName"]?.string)
        change.before = .object(Self.only(keys, of: properties))
        change.isBeforeKnown = true
        let state = properties["state"]?.string ?? ""
        if !["Started", "Stopped"].contains(state) { change.obstacle = "only the service can set a flow to \(state)" }
        return change
    }

    /// The request that starts or stops the flow again.
    var flowInverse: [InverseRequest] {
        guard kind == .properties, let state = before?["state"]?.string else { return [] }
        return [InverseRequest("POST", "\(place)/\(state == "Started" ? "start" : "stop")")]
    }
}
