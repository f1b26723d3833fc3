import MMHTTP
import MMMCP
import Testing

@testable import MMServing

@Suite("Requests under way at a server for a team")
struct RequestPlacesTests {
    @Test("one person's fill their own places alone, and each is free again when its request is over")
    func places() {
        let places = RequestPlaces(most: 2)
        let (anna, ben) = (Principal("anna"), Principal("ben"))
        var held = [places.take(anna), places.take(anna)]
        #expect(held.allSatisfy { $0 != nil })
        #expect(places.take(anna) == nil)
        #expect(places.take(ben) != nil)
        held.removeLast()
        let again = places.take(anna)
        #expect(again != nil)
        #expect(places.take(anna) == nil)
        withExtendedLifetime((held, again)) {}
        #expect(places.refusal.status == 429)
        #expect(HTTPHeaders(of: places.refusal)["Retry-After"] != nil)
    }
}
