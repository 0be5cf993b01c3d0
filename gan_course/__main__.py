"`python -m gan_course` is `gan-course`."
from gan_course.cli import main

if __name__ == "__main__":
    main()
