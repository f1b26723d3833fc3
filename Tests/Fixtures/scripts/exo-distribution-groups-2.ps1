$params = @{
    UserPrincipalName = 'admin@contoso-sandbox.example'
    ShowBanner        = $false
}
Connect-ExchangeOnline @params
Function Get_Members {
    param($Group)
    Get-DistributionGroupMember -Identity $Group.Identity -ResultSize Unlimited | Select-Object Name, PrimarySmtpAddress
}
Function main {
    foreach ($Group in Get-DistributionGroup -ResultSize Unlimited) {
        Get_Members -Group $Group
        Print_Summary $Group
    }
}
Function Print_Summary($Group) { Write-Host "Group: $($Group.DisplayName)" -ForegroundColor Green }
main
