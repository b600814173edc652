"""What an earlier result holds of what is to be made now, under a proof that it would come out the same."""
