$RequiredScopes = @("User.Read.All", "Group.Read.All")
if (!(Get-Module -ListAvailable -Name Microsoft.Graph)) {
    Set-PSRepository -Name PSGallery -InstallationPolicy Trusted
    Install-Module -Name Microsoft.Graph -Force -AllowClobber
}
Connect-Graph -Scopes $RequiredScopes
$guests = Get-MgUser -Filter "userType eq 'Guest'" -All -Property Id, DisplayName, Mail, CreatedDateTime
foreach ($guest in $guests) {
    [PSCustomObject]@{ Name = $guest.DisplayName; Mail = $guest.Mail; Created = $guest.CreatedDateTime }
}
