import MMCore
import Testing

@testable import MMServing

@Suite("A call in a cluster")
struct ClusterCallTests {
    @Test(
        "may be repeated under its id only if it was not begun",
        arguments: [
            (.signInNeeded, [:], true), (.signInNeeded, ["changed": false], true),
            (.signInNeeded, ["changed": true], false), (.sessionLost, ["sent": false], true),
            (.sessionLost, ["sent": true], false), (.unavailable, ["lease": "elsewhere"], true),
            (.unavailable, ["sent": false], false), (.remoteFailed, [:], false),
        ] as [(MMErrorCode, JSONObject, Bool)])
    func repeated(code: MMErrorCode, details: JSONObject, mayBe: Bool) {
        #expect(ClusterCall.mayBeRepeated(after: MMError(code, "It failed.", details: details)) == mayBe)
    }
}
