Connect-MgGraph -Scopes "User.Read.All", "Directory.Read.All" -NoWelcome
$guests = Get-MgUser -Filter "userType eq 'Guest'" -All -Property Id, DisplayName, Mail, CreatedDateTime
foreach ($guest in $guests) {
    [PSCustomObject]@{ Name = $guest.DisplayName; Mail = $guest.Mail; Created = $guest.CreatedDateTime }
}
Disconnect-MgGraph -ErrorAction SilentlyContinue
