import MMHTTP
import MMMCP
import Testing

@testable import MMServing

@Suite("Limits for requests to a server for a team")
struct RequestPlacesTests {
    @Test("one person's requests take only their own places, and each is free again after its request")
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
