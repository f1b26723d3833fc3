import MMOperations
import Testing

@testable import MMServing

@Suite("Arguments in the wrong tool")
struct ArgumentPlacesTests {
    @Test(
        "an argument of one or two other tools leads to them; one that is nearly an own one, or everybody's, doesn't",
        arguments: [
            ("run", "endpoint", "is unknown here: it is an argument of mm__graph_request"),
            ("graph_request", "command", "is unknown here: it is an argument of mm__run"),
            ("run", "handle", "is unknown here: it is an argument of mm__output"),
            ("login", "dryRun", "is unknown here: it is an argument of mm__run and mm__recipe"),
            ("graph_request", "path", nil), ("status", "name", nil), ("output", "connection", nil), ("run", "x", nil),
        ])
    func places(tool: String, argument: String, remark: String?) throws {
        let options = try MCPFaceOptions(words: [])
        let listed = Catalogue.standard.operations.filter { options.offers($0.declaration) && $0.declaration.isListed }
        let tools = listed.map { (name: "mm__" + $0.declaration.name, fields: $0.fields) }
        let own = try #require(listed.first { $0.declaration.name == tool }).fields
        let places = ArgumentPlaces(own: own, tools: tools + [("mm__recipe", ReadyTool.fields)])
        #expect(places.remark(on: argument) == remark)
    }
}
